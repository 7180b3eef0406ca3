package dev.pgkeeper.proof.part;

import dev.pgkeeper.proof.AtExit;
import dev.pgkeeper.testing.ChildProcess.Surroundings;
import dev.pgkeeper.testing.RunDirectory;
import java.util.List;
import java.util.Map;

/**
 * A network of its own for clients, behind a router of its own that can drop packets: two network
 * namespaces of Linux. The rules are the router's, so neither the clients nor this machine know
 * anything of them.
 */
final class Namespaces implements AutoCloseable {
  private static final String TABLE = "proof";

  /** The end of a link in the inner one of the two namespaces that it connects. */
  private static final String WIRE = "wire";

  private final int number = (int) (ProcessHandle.current().pid() % 250);
  private final String router = "pgkeeper-r" + number;
  private final String clients = "pgkeeper-c" + number;
  private final String outerLink = "pgk" + number + "o";
  private final AtExit atExit = AtExit.close(this);

  private Namespaces() {}

  static Namespaces open() throws Part.Unavailable, InterruptedException {
    Namespaces namespaces = new Namespaces();
    try {
      namespaces.make();
      return namespaces;
    } catch (Part.Unavailable e) {
      namespaces.close();
      throw e;
    }
  }

  private void make() throws Part.Unavailable, InterruptedException {
    RunDirectory.undo(
        "ip link del %s; ip netns del %s; ip netns del %s".formatted(outerLink, clients, router));
    Command.run("ip", "netns", "add", router);
    Command.run("ip", "netns", "add", clients);
    String inner = "pgk" + number + "i";
    Command.run(
        "ip", "link", "add", outerLink, "type", "veth", "peer", "name", WIRE, "netns", router);
    Command.run("ip", "addr", "add", serverAddress() + "/30", "dev", outerLink);
    Command.run("ip", "link", "set", outerLink, "up");
    in(router, "ip", "addr", "add", address(2) + "/30", "dev", WIRE);
    in(router, "ip", "link", "set", WIRE, "up");
    in(router, "ip", "link", "add", inner, "type", "veth", "peer", "name", WIRE, "netns", clients);
    in(router, "ip", "addr", "add", address(5) + "/30", "dev", inner);
    in(router, "ip", "link", "set", inner, "up");
    in(router, "sysctl", "-q", "-w", "net.ipv4.ip_forward=1");
    in(clients, "ip", "addr", "add", address(6) + "/30", "dev", WIRE);
    in(clients, "ip", "link", "set", WIRE, "up");
    in(clients, "ip", "link", "set", "lo", "up");
    in(clients, "ip", "route", "add", "default", "via", address(5));
    Command.run("ip", "route", "add", address(4) + "/30", "via", address(2));
    in(router, "nft", "add table ip " + TABLE);
    in(
        router,
        "nft",
        "add chain ip " + TABLE + " passing { type filter hook forward priority 0; }");
  }

  private static void in(String namespace, String... command)
      throws Part.Unavailable, InterruptedException {
    String[] whole = new String[command.length + 4];
    System.arraycopy(new String[] {"ip", "netns", "exec", namespace}, 0, whole, 0, 4);
    System.arraycopy(command, 0, whole, 4, command.length);
    Command.run(whole);
  }

  private String address(int host) {
    return "10.213.%d.%d".formatted(number, host);
  }

  /** Where a server of this machine is to listen, to be reached from there. */
  String serverAddress() {
    return address(1);
  }

  /** Where clients come from. */
  String clientNetwork() {
    return address(4) + "/30";
  }

  /** Where clients are to run. */
  Surroundings surroundings() {
    return new Surroundings(List.of("ip", "netns", "exec", clients), Map.of());
  }

  void dropFromServer() throws Part.Unavailable, InterruptedException {
    drop("saddr");
  }

  void dropToServer() throws Part.Unavailable, InterruptedException {
    drop("daddr");
  }

  private void drop(String side) throws Part.Unavailable, InterruptedException {
    in(
        router,
        "nft",
        "add rule ip %s passing ip %s %s drop".formatted(TABLE, side, serverAddress()));
  }

  void letAllPass() throws Part.Unavailable, InterruptedException {
    in(router, "nft", "flush chain ip " + TABLE + " passing");
  }

  @Override
  public void close() throws InterruptedException {
    atExit.close();
    Command.tryTo("ip", "link", "del", outerLink);
    Command.tryTo("ip", "netns", "del", clients);
    Command.tryTo("ip", "netns", "del", router);
  }
}
