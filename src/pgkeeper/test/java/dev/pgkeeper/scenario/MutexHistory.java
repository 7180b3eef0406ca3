package dev.pgkeeper.scenario;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What clients of a lock were told, in microseconds of their machine's clock: who asked when, got
 * it when and with which token, and how it ended.
 */
public final class MutexHistory {

  /** A client that was told that it holds. */
  public record Got(String line, long invoked, long completed, long token) {}

  /**
   * How it ended for that client. Where it did not release, there is no moment of its invocation or
   * completion; it was last believed in at {@code believed}, 0 for never.
   */
  public record End(boolean released, long invoked, long completed, long believed) {}

  private final List<Got> got = new ArrayList<>();
  private final Map<String, End> ends = new HashMap<>();

  /** What {@link TakeTheLock} said. */
  public static MutexHistory of(List<String> lines) {
    MutexHistory history = new MutexHistory();
    for (String line : lines) {
      String[] said = line.split(" ");
      switch (said[0]) {
        case "got" -> history.got(said[1], number(said[2]), number(said[3]), number(said[4]));
        case "gave" ->
            history.gave(
                said[1], number(said[2]), number(said[3]), number(said[4]), number(said[5]));
        case "lost" -> history.lost(said[1], number(said[2]), number(said[3]));
        default -> {
          // told for other readers
        }
      }
    }
    return history;
  }

  private static long number(String text) {
    return Long.parseLong(text);
  }

  public MutexHistory got(String line, long invoked, long completed, long token) {
    got.add(new Got(line, invoked, completed, token));
    return this;
  }

  public MutexHistory gave(String line, long token, long invoked, long completed, long believed) {
    ends.put(key(line, token), new End(true, invoked, completed, believed));
    return this;
  }

  public MutexHistory lost(String line, long token, long believed) {
    ends.put(key(line, token), new End(false, 0, 0, believed));
    return this;
  }

  private static String key(String line, long token) {
    return line + " " + token;
  }

  public List<Got> got() {
    return got;
  }

  /** Null where its process was killed, or was told nothing. */
  public End end(String line, long token) {
    return ends.get(key(line, token));
  }
}
