package dev.pgkeeper.discovery;

/**
 * How close two names are to each other, the same in every process and version: the basis of
 * agreements without a word. Whoever is closest to a name stays so whoever else comes or goes.
 */
final class Rendezvous {
  private static final long FNV_BASIS = 0xcbf29ce484222325L;
  private static final long FNV_PRIME = 0x100000001b3L;

  private Rendezvous() {}

  /** Of a name alone; to be computed once for {@link #closeness}. */
  static long hash(String name) {
    long hash = FNV_BASIS;
    for (int i = 0; i < name.length(); i++) {
      hash = (hash ^ name.charAt(i)) * FNV_PRIME;
    }
    return mixed(hash);
  }

  /** Larger is closer. */
  static long closeness(long one, long other) {
    return mixed(one + Long.rotateLeft(other, 32) * FNV_PRIME);
  }

  /** The finalizer of MurmurHash3: every bit depends on every other. */
  private static long mixed(long hash) {
    long h = (hash ^ (hash >>> 33)) * 0xff51afd7ed558ccdL;
    h = (h ^ (h >>> 33)) * 0xc4ceb9fe1a85ec53L;
    return h ^ (h >>> 33);
  }
}
