package dev.pgkeeper.proof.client;

import dev.pgkeeper.Session;
import dev.pgkeeper.scenario.Client;
import dev.pgkeeper.scenario.Work;
import dev.pgkeeper.tree.CreateMode;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Has a few ephemeral nodes, and looks whether they are there while it certainly has its session.
 * Says {@code there path} or {@code missing path}.
 */
final class KeepEphemerals implements Work {
  private static final int AT_MOST = 3;
  private static final AtomicInteger NUMBERS = new AtomicInteger();

  private final Deque<String> mine = new ArrayDeque<>();
  private Session owner;

  @Override
  public void once(Client client, Random random) {
    Session session = client.keeper().session();
    if (session != owner) {
      mine.clear();
      owner = session;
    }
    if (mine.size() == AT_MOST) {
      session.tree().delete(mine.remove());
    } else {
      String path = "/ephemeral/" + client.name() + "-" + NUMBERS.incrementAndGet();
      session.tree().create(path, new byte[0], CreateMode.EPHEMERAL);
      mine.add(path);
    }
    for (String path : mine) {
      // Before and after: a session that is certain at the end was certain all the time.
      boolean isThere = session.tree().exists(path).isPresent();
      if (session.isHeld()) {
        client.say((isThere ? "there " : "missing ") + path);
      }
    }
  }
}
