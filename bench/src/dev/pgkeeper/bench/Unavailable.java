package dev.pgkeeper.bench;

/** A peer cannot be had on this machine. The others are measured without it. */
public final class Unavailable extends RuntimeException {
  public Unavailable(String reason) {
    super(reason);
  }
}
