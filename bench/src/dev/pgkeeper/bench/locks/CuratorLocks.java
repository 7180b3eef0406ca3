package dev.pgkeeper.bench.locks;

import java.time.Duration;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.retry.ExponentialBackoffRetry;

/** Curator's mutex on a ZooKeeper. */
final class CuratorLocks implements Locks {
  private static final Duration CONNECTION_LIMIT = Duration.ofSeconds(15);

  private final CuratorFramework client;

  CuratorLocks(String address) {
    client =
        CuratorFrameworkFactory.newClient(
            address,
            Math.toIntExact(Subjects.TIMEOUT.toMillis()),
            Math.toIntExact(CONNECTION_LIMIT.toMillis()),
            new ExponentialBackoffRetry(1000, 3));
    client.start();
  }

  @Override
  public NamedLock named(String name) {
    InterProcessMutex mutex = new InterProcessMutex(client, "/locks/" + name);
    return new NamedLock() {
      @Override
      public void acquire() throws Exception {
        mutex.acquire();
      }

      @Override
      public void release() throws Exception {
        mutex.release();
      }
    };
  }

  @Override
  public void close() {
    client.close();
  }
}
