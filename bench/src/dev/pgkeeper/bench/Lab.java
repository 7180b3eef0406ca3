package dev.pgkeeper.bench;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the cases of a run share: the pace, and everything that is opened once and closed at the
 * end.
 */
public final class Lab implements AutoCloseable {
  private final Pace pace;
  private final boolean quick;
  private final @Nullable String url;
  private final CpuClock cpu = new CpuClock();
  private final Map<Class<?>, Object> shared = new HashMap<>();
  private final Deque<AutoCloseable> opened = new ArrayDeque<>();

  Lab(boolean quick, @Nullable String url) {
    this(quick ? Pace.QUICK : Pace.FULL, quick, url);
  }

  Lab(Pace pace, boolean quick, @Nullable String url) {
    this.pace = pace;
    this.quick = quick;
    this.url = url;
  }

  public Pace pace() {
    return pace;
  }

  /** Whether sizes are to be cut down too. */
  public boolean isQuick() {
    return quick;
  }

  CpuClock cpu() {
    return cpu;
  }

  /**
   * A server was started as this process: what it and those below it burn is measured too. Not
   * where the PostgreSQL was given, whose processes are not known, lest the others look dear.
   */
  public void countCpuOf(ProcessHandle server) {
    if (url == null) {
      cpu.count(server);
    }
  }

  /** The PostgreSQL to be used, if the user gave one. */
  public @Nullable String url() {
    return url;
  }

  /**
   * The one of its kind in this run, opened when first asked for. What is unavailable once stays
   * so.
   */
  public synchronized <T extends AutoCloseable> T shared(Class<T> type, Opening<T> opening)
      throws Exception {
    Object known = shared.get(type);
    if (known instanceof Unavailable reason) {
      throw reason;
    }
    if (known == null) {
      try {
        T fresh = opening.open();
        opened.push(fresh);
        shared.put(type, fresh);
        return fresh;
      } catch (Unavailable e) {
        shared.put(type, e);
        throw e;
      }
    }
    return type.cast(known);
  }

  /** Closes what was opened, the last first; an error in one does not keep the others open. */
  @Override
  public synchronized void close() {
    while (!opened.isEmpty()) {
      try {
        opened.pop().close();
      } catch (Exception e) {
        System.err.println("bench: at the end: " + e);
      }
    }
    shared.clear();
  }
}
