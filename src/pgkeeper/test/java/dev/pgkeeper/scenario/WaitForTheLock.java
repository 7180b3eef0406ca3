package dev.pgkeeper.scenario;

import dev.pgkeeper.Held;
import java.util.Random;

/**
 * Waits for the lock {@code /wait} and says {@code holds} with its token, or how it was told that
 * it will not; keeps it until it is told to give it back.
 */
final class WaitForTheLock implements Work {
  @Override
  public void once(Client client, Random random) throws Exception {
    client.say("waits");
    try (Held held = client.keeper().lock("/wait").acquire()) {
      client.say("holds " + held.token());
      client.nextCommand();
    }
  }
}
