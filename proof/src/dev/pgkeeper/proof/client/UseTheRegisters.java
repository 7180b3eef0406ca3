package dev.pgkeeper.proof.client;

import dev.pgkeeper.scenario.Client;
import dev.pgkeeper.scenario.Work;
import dev.pgkeeper.tree.Node;
import dev.pgkeeper.tree.Stat;
import dev.pgkeeper.tree.TreeOperations;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Reads, writes and compares-and-sets nodes, with a value that nobody else writes. A register is
 * used for a few seconds, so that its history stays short enough to be judged.
 *
 * <p>With {@code uncompared} it sets without comparing, and says that it did.
 */
public final class UseTheRegisters implements Work {
  /** Below this node. */
  public static final String ROOT = "/register";

  private static final int AT_A_TIME = 3;
  private static final long LIFE_MICROS = 5_000_000;

  private static final AtomicInteger VALUES = new AtomicInteger();

  @Override
  public void once(Client client, Random random) throws Exception {
    TreeOperations tree = client.keeper().tree();
    long age = Client.nowMicros() / LIFE_MICROS;
    String path = ROOT + "/r" + random.nextInt(AT_A_TIME) + "-" + age;
    String value = client.name() + "/" + VALUES.incrementAndGet();
    switch (random.nextInt(5)) {
      case 0, 1 -> read(client, tree, path, value);
      case 2 ->
          Journal.write(client, "write", path, value, () -> version(tree.set(path, bytes(value))));
      default -> compareAndSet(client, tree, path, value);
    }
  }

  private static void read(Client client, TreeOperations tree, String path, String value)
      throws Exception {
    boolean isThere =
        Journal.write(
            client,
            "read",
            path,
            "",
            () -> {
              Node node = tree.get(path);
              return text(node) + "@" + version(node.stat());
            });
    if (!isThere) {
      Journal.write(
          client,
          "create",
          path,
          value,
          () -> {
            tree.create(path, bytes(value));
            return "0";
          });
    }
  }

  private static void compareAndSet(Client client, TreeOperations tree, String path, String value)
      throws Exception {
    int[] found = {-1};
    boolean isThere =
        Journal.write(
            client,
            "read",
            path,
            "",
            () -> {
              Node node = tree.get(path);
              found[0] = node.stat().version();
              return text(node) + "@" + found[0];
            });
    if (isThere) {
      boolean compares = !client.mode().contains("uncompared");
      Journal.write(
          client,
          "cas",
          path,
          value + "@" + found[0],
          () ->
              version(
                  compares
                      ? tree.set(path, bytes(value), found[0])
                      : tree.set(path, bytes(value))));
    }
  }

  private static String version(Stat stat) {
    return Integer.toString(stat.version());
  }

  private static byte[] bytes(String value) {
    return value.getBytes(StandardCharsets.UTF_8);
  }

  private static String text(Node node) {
    return new String(node.data(), StandardCharsets.UTF_8);
  }
}
