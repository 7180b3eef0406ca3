package dev.pgkeeper.differential;

import dev.pgkeeper.testing.Await;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooKeeper;

/** A ZooKeeper server with ZooKeeper's own client. */
final class ZooKeeperSubject implements Subject {

  private static final int SESSION_TIMEOUT_MILLIS = 40_000;

  private final String name;
  private final ZooKeeperServerFixture server = ZooKeeperServerFixture.start();
  private final Session eye = open("/");

  ZooKeeperSubject(String name) {
    this.name = name;
  }

  private final class Session implements Client {
    private final ZooKeeper zooKeeper;
    private final ZooKeeperTree tree;

    private Session(ZooKeeper zooKeeper, ZooKeeperTree tree) {
      this.zooKeeper = zooKeeper;
      this.tree = tree;
    }

    @Override
    public ZooKeeperTree tree() {
      return tree;
    }

    @Override
    public long sessionId() {
      return zooKeeper.getSessionId();
    }

    /** The client's own close rests for 100 ms after the session is over: do not wait for that. */
    @Override
    public void close() {
      long session = sessionId();
      Thread closing = new Thread(this::closeAndRest, "close-zookeeper-client");
      closing.setDaemon(true);
      closing.start();
      server.awaitEnd(session);
    }

    private void closeAndRest() {
      try {
        zooKeeper.close();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public ZooKeeperTree eye() {
    return eye.tree();
  }

  @Override
  public Session open(String chroot) {
    String suffix = chroot.equals("/") ? "" : chroot;
    CountDownLatch connected = new CountDownLatch(1);
    try {
      ZooKeeper zooKeeper =
          new ZooKeeper(
              server.address() + suffix,
              SESSION_TIMEOUT_MILLIS,
              event -> {
                if (event.getState() == Watcher.Event.KeeperState.SyncConnected) {
                  connected.countDown();
                }
              });
      if (!connected.await(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)) {
        throw new IllegalStateException("ZooKeeper does not answer");
      }
      return new Session(zooKeeper, new ZooKeeperTree(zooKeeper, suffix));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted", e);
    }
  }

  /** All at once: each client's answer comes on its event thread, after the events before it. */
  @Override
  public void settle(Collection<? extends Client> clients) {
    List<CompletableFuture<Void>> told =
        clients.stream().map(client -> ((Session) client).tree().whenSynced()).toList();
    told.forEach(CompletableFuture::join);
  }

  @Override
  public void expire(Client client) {
    server.expire(client.sessionId());
    server.awaitEnd(client.sessionId());
  }

  @Override
  public void reap(long millis) {
    int before;
    do {
      before = server.nodes();
      server.checkContainers(millis);
      eye.tree().sync();
    } while (server.nodes() < before);
  }

  @Override
  public void close() {
    eye.close();
    server.close();
  }
}
