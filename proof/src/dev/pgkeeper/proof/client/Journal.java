package dev.pgkeeper.proof.client;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperException.Code;
import dev.pgkeeper.scenario.Client;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Writes down each question before it is asked and its answer once it is there: {@code call number
 * operation key argument micros}, {@code answer number ok|failed|unknown result micros}. Nothing in
 * a line has a space.
 */
final class Journal {
  /** Answers by which a rule was kept. */
  private static final Set<Code> REFUSALS =
      EnumSet.of(
          Code.NO_NODE,
          Code.NODE_EXISTS,
          Code.BAD_VERSION,
          Code.NOT_EMPTY,
          Code.BUSY,
          Code.NOT_HELD,
          Code.STALE_TOKEN);

  private static final AtomicLong NUMBERS = new AtomicLong();

  private Journal() {}

  /** Asks, and gives what is to be written down as the answer. */
  @FunctionalInterface
  interface Question {
    String ask() throws Exception;
  }

  /** Asks and writes down. Whether it was done. */
  static boolean write(
      Client client, String operation, String key, String argument, Question question)
      throws Exception {
    long number = NUMBERS.incrementAndGet();
    client.say(
        "call %d %s %s %s %d".formatted(number, operation, key, argument, Client.nowMicros()));
    try {
      String result = question.ask();
      answer(client, number, "ok", result);
      return true;
    } catch (KeeperException e) {
      boolean isRefused = REFUSALS.contains(e.code());
      // Of a lost connection the library says that nothing was done. All other errors leave it
      // open.
      boolean isUndone = isRefused || e.code() == Code.CONNECTION_LOSS;
      answer(client, number, isUndone ? "failed" : "unknown", e.code().name());
      if (isRefused) {
        return false;
      }
      throw e;
    } catch (Exception e) {
      answer(client, number, "unknown", e.getClass().getSimpleName());
      throw e;
    }
  }

  private static void answer(Client client, long number, String outcome, String result) {
    client.say("answer %d %s %s %d".formatted(number, outcome, result, Client.nowMicros()));
  }
}
