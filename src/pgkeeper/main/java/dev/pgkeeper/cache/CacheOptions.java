package dev.pgkeeper.cache;

import java.util.Objects;
import java.util.function.Predicate;

/**
 * What a {@link NodeCache} keeps. Immutable; each {@code with…} returns a changed copy.
 *
 * @param filter which paths are shown and told of; of the others a few numbers are kept
 * @param keepsData whether data is kept; if not, nodes are shown with their stat and no data
 * @param mostNodes how many nodes there may be, those that the filter leaves out included
 * @param mostDataBytes how much data is kept of all of them together
 */
public record CacheOptions(
    Predicate<String> filter, boolean keepsData, int mostNodes, long mostDataBytes) {
  public CacheOptions {
    Objects.requireNonNull(filter, "filter");
    if (mostNodes < 1 || mostDataBytes < 0) {
      throw new IllegalArgumentException(
          "a cache of at most "
              + mostNodes
              + " nodes and "
              + mostDataBytes
              + " bytes of data; use at least 1 node and 0 bytes");
    }
  }

  /** Everything, up to a million nodes and 256 MiB of data. */
  public static CacheOptions defaults() {
    return new CacheOptions(path -> true, true, 1_000_000, 256L << 20);
  }

  public CacheOptions withFilter(Predicate<String> newFilter) {
    return new CacheOptions(newFilter, keepsData, mostNodes, mostDataBytes);
  }

  public CacheOptions withoutData() {
    return new CacheOptions(filter, false, mostNodes, mostDataBytes);
  }

  public CacheOptions withMostNodes(int newMostNodes) {
    return new CacheOptions(filter, keepsData, newMostNodes, mostDataBytes);
  }

  public CacheOptions withMostDataBytes(long newMostDataBytes) {
    return new CacheOptions(filter, keepsData, mostNodes, newMostDataBytes);
  }
}
