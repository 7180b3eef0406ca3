package dev.pgkeeper.proof.client;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.scenario.Client;
import dev.pgkeeper.scenario.Work;
import dev.pgkeeper.tree.Node;
import dev.pgkeeper.tree.Op;
import dev.pgkeeper.tree.Read;
import dev.pgkeeper.tree.ReadResult;
import dev.pgkeeper.tree.TreeOperations;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * Moves money between accounts, each a node, in one multi that expects the versions it read, and
 * reads all accounts at one moment. With {@code uncompared} it changes one account after the other.
 */
public final class MoveMoney implements Work {
  public static final int ACCOUNTS = 5;
  public static final long EACH = 100;

  public static String account(int number) {
    return "/bank/" + number;
  }

  @Override
  public void once(Client client, Random random) throws Exception {
    TreeOperations tree = client.keeper().tree();
    if (random.nextInt(3) == 0) {
      Journal.write(client, "total", "/bank", "", () -> Long.toString(total(tree)));
      return;
    }
    int from = random.nextInt(ACCOUNTS);
    int to = (from + 1 + random.nextInt(ACCOUNTS - 1)) % ACCOUNTS;
    long amount = 1 + random.nextInt(20);
    Journal.write(
        client,
        "transfer",
        from + ">" + to,
        Long.toString(amount),
        () -> transfer(client, tree, from, to, amount));
  }

  private static long total(TreeOperations tree) {
    List<Read> all = IntStream.range(0, ACCOUNTS).mapToObj(n -> Read.node(account(n))).toList();
    return tree.readAll(all).stream().map(MoveMoney::node).mapToLong(MoveMoney::money).sum();
  }

  private static String transfer(
      Client client, TreeOperations tree, int from, int to, long amount) {
    Node source = tree.get(account(from));
    Node target = tree.get(account(to));
    byte[] less = bytes(money(source) - amount);
    byte[] more = bytes(money(target) + amount);
    if (client.mode().contains("uncompared")) {
      tree.set(account(from), less);
      tree.set(account(to), more);
    } else {
      try {
        tree.multi(
            Op.set(account(from), less, source.stat().version()),
            Op.set(account(to), more, target.stat().version()));
      } catch (KeeperException.MultiFailed e) {
        if (e.code() != KeeperException.Code.BAD_VERSION) {
          throw e;
        }
        return "overtaken";
      }
    }
    return "moved";
  }

  private static Node node(ReadResult result) {
    return Objects.requireNonNull(result.node(), () -> "an account is " + result.code());
  }

  private static long money(Node node) {
    return Long.parseLong(new String(node.data(), StandardCharsets.UTF_8));
  }

  private static byte[] bytes(long money) {
    return Long.toString(money).getBytes(StandardCharsets.UTF_8);
  }
}
