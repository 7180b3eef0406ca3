package dev.pgkeeper.proof.growth;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.DoubleStream;

/** What was written down at all looks, put in order of time. */
public final class Looks {
  private static final Pattern PROCESS = Pattern.compile("c(\\d+)\\.(\\d+)");

  private record Key(String of, Measure measure) {}

  private final long began;
  private final long periodMicros;
  private final int looks;
  private final Map<Key, double[]> seen = new HashMap<>();
  private final Map<String, String> processes = new HashMap<>();
  private final List<String> mortals = new ArrayList<>();

  private Looks(long began, long periodMicros, int looks) {
    this.began = began;
    this.periodMicros = periodMicros;
    this.looks = looks;
  }

  /**
   * Series by what they are of, then by measure. The first look was in the middle of the first
   * period.
   *
   * @param said what {@link Measure#line} gave, without its first word
   */
  public static List<Series> read(List<String> said, Duration period, int looks) {
    long periodMicros = period.toNanos() / 1000;
    long first = said.stream().mapToLong(Looks::moment).min().orElse(0);
    Looks all = new Looks(first - periodMicros / 2, periodMicros, looks);
    said.forEach(all::add);
    return all.series();
  }

  private static long moment(String line) {
    return Long.parseLong(line.substring(0, line.indexOf(' ')));
  }

  private void add(String line) {
    String[] words = line.split(" ");
    int look = (int) Math.floorDiv(moment(line) - began, periodMicros);
    if (look >= 0 && look < looks) {
      Measure measure = Measure.valueOf(words[2]);
      seen.computeIfAbsent(new Key(place(words[1]), measure), key -> unseen())[look] =
          measure.scaled(Double.parseDouble(words[3]));
    }
  }

  private double[] unseen() {
    double[] values = new double[looks];
    Arrays.fill(values, Double.NaN);
    return values;
  }

  /** Processes that follow one another have one place. */
  private String place(String of) {
    Matcher process = PROCESS.matcher(of);
    if (!process.matches()) {
      return of;
    }
    String place = "client " + process.group(1);
    if (!processes.computeIfAbsent(place, its -> of).equals(of)) {
      mortals.add(place);
    }
    return place;
  }

  private List<Series> series() {
    return seen.entrySet().stream()
        .map(
            entry ->
                new Series(
                    entry.getKey().of(),
                    entry.getKey().measure(),
                    !mortals.contains(entry.getKey().of()),
                    DoubleStream.of(entry.getValue()).boxed().toList()))
        .sorted(Comparator.comparing(Series::of).thenComparing(Series::measure))
        .toList();
  }
}
