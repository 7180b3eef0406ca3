package dev.pgkeeper.differential;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * The judge and the judged that all tests of the contract share. With {@code
 * -Dpgkeeper.differential.judged=zookeeper} the contract is put to a second ZooKeeper instead of
 * pgkeeper: does it say what ZooKeeper does?
 */
final class BothSides implements BeforeAllCallback {

  private static final AtomicInteger HOMES = new AtomicInteger();

  private record Servers(Subject judge, Subject judged) implements AutoCloseable {
    @Override
    public void close() {
      judge.close();
      judged.close();
    }
  }

  private Servers servers;

  @Override
  public void beforeAll(ExtensionContext context) {
    servers =
        context
            .getRoot()
            .getStore(ExtensionContext.Namespace.create(BothSides.class))
            .getOrComputeIfAbsent(Servers.class, it -> start(), Servers.class);
  }

  private static Servers start() {
    Subject judge = new ZooKeeperSubject("ZooKeeper");
    boolean zooKeeper = "zookeeper".equals(System.getProperty("pgkeeper.differential.judged"));
    return new Servers(
        judge,
        zooKeeper
            ? new ZooKeeperSubject("another ZooKeeper")
            : new PgkeeperSubject(PgkeeperSubject.Way.RUNG));
  }

  Subject judge() {
    return servers.judge;
  }

  Subject judged() {
    return servers.judged;
  }

  /** A root of its own, which its clients see as theirs. */
  Lockstep lockstep() {
    return new Lockstep(judge(), judged(), "/home" + HOMES.incrementAndGet(), true);
  }
}
