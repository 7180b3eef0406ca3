package dev.pgkeeper.bench;

/**
 * Counts durations in buckets whose width grows with the duration: 64 to each doubling, so that a
 * percentile is off by less than one part in 100. Not for use by several threads; each has its own,
 * and they are added up.
 */
public final class Histogram {
  private static final int SUB_BITS = 6;
  private static final int SUBS = 1 << SUB_BITS;

  private final long[] counts = new long[(Long.SIZE - SUB_BITS) * SUBS];
  private long total;
  private long sum;

  public void record(long nanos) {
    counts[bucket(Math.max(0, nanos))]++;
    total++;
    sum += nanos;
  }

  public void add(Histogram other) {
    for (int i = 0; i < counts.length; i++) {
      counts[i] += other.counts[i];
    }
    total += other.total;
    sum += other.sum;
  }

  public long count() {
    return total;
  }

  public long sum() {
    return sum;
  }

  /**
   * The duration that this many percent of all do not exceed; not a number if nothing was recorded.
   */
  public double percentile(double percent) {
    if (total == 0) {
      return Double.NaN;
    }
    long rank = Math.max(1, (long) Math.ceil(total * percent / 100));
    long seen = 0;
    for (int i = 0; i < counts.length; i++) {
      seen += counts[i];
      if (seen >= rank) {
        return (lowest(i) + lowest(i + 1) - 1) / 2.0;
      }
    }
    throw new AssertionError("Fewer in the buckets than counted");
  }

  /** The first two doublings have a bucket for each value. */
  private static int bucket(long nanos) {
    int doubling = Math.max(0, Long.SIZE - Long.numberOfLeadingZeros(nanos) - SUB_BITS - 1);
    return doubling * SUBS + (int) (nanos >>> doubling);
  }

  private static long lowest(int bucket) {
    int doubling = Math.max(0, bucket / SUBS - 1);
    return (bucket - (long) doubling * SUBS) << doubling;
  }
}
