package dev.pgkeeper.proof.client;

import dev.pgkeeper.scenario.Client;
import dev.pgkeeper.scenario.Work;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.TreeOperations;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;

/** Creates, changes and deletes the nodes that everybody watches. */
public final class ChangeTheTree implements Work {
  public static final String ROOT = "/watched";
  static final int NODES = 12;

  private static final AtomicInteger VALUES = new AtomicInteger();

  static String node(int number) {
    return ROOT + "/n" + number;
  }

  @Override
  public void once(Client client, Random random) throws Exception {
    TreeOperations tree = client.keeper().tree();
    String path = node(random.nextInt(NODES));
    String value = client.name() + "/" + VALUES.incrementAndGet();
    byte[] data = value.getBytes(StandardCharsets.UTF_8);
    switch (random.nextInt(6)) {
      case 0 ->
          Journal.write(
              client,
              "remove",
              path,
              "",
              () -> {
                tree.delete(path);
                return "";
              });
      case 1, 2 ->
          Journal.write(
              client, "add", path, value, () -> tree.create(path, data, CreateMode.PERSISTENT));
      default ->
          Journal.write(client, "change", path, value, () -> "" + tree.set(path, data).version());
    }
  }
}
