package dev.pgkeeper.bench;

import java.time.Duration;

/**
 * How long everything is measured. Many short rounds rather than few long ones: on a machine with
 * few cores the scheduler may pair a client with its server now well, now badly, and stay so for
 * seconds.
 *
 * @param warmups rounds that are thrown away
 * @param rounds rounds that count
 * @param round how long one subject works before the next takes its turn
 */
public record Pace(int warmups, int rounds, Duration round) {
  static final Pace FULL = new Pace(2, 9, Duration.ofMillis(200));
  static final Pace QUICK = new Pace(1, 5, Duration.ofMillis(20));
}
