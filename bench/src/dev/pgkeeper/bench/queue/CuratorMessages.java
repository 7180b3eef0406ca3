package dev.pgkeeper.bench.queue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;
import org.apache.curator.retry.ExponentialBackoffRetry;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.ZooDefs.Ids;

/**
 * Curator's simple queue on a ZooKeeper: a node for each message, one at a time. A message is gone
 * as soon as it is taken.
 */
final class CuratorMessages implements Serving {
  private static final int SESSION_MILLIS = 30_000;
  private static final int CONNECTION_MILLIS = 15_000;

  /** A multi may not be larger than a megabyte. */
  private static final int MULTI = 500;

  /** Every take lists all that wait. */
  private static final int LONGEST_BACKLOG = 2000;

  private final CuratorFramework client;
  private final String path;
  private final SimpleDistributedQueue queue;
  private final List<ServingThread> serving = new ArrayList<>();

  CuratorMessages(String address, String name) throws Exception {
    client =
        CuratorFrameworkFactory.newClient(
            address, SESSION_MILLIS, CONNECTION_MILLIS, new ExponentialBackoffRetry(1000, 3));
    client.start();
    path = "/" + name;
    client.create().orSetData().forPath(path);
    queue = new SimpleDistributedQueue(client, path);
  }

  @Override
  public void enqueue(List<byte[]> payloads) throws Exception {
    for (byte[] payload : payloads) {
      queue.offer(payload);
    }
  }

  @Override
  public Consumers consumers(int threads, int batch) {
    return new Consumers() {
      @Override
      public Consumer consumer() {
        return wait -> queue.poll(wait.toMillis(), TimeUnit.MILLISECONDS) == null ? 0 : 1;
      }

      @Override
      public void close() {}
    };
  }

  @Override
  public void serve(Runnable handler) {
    serving.add(new ServingThread(queue::take, handler));
  }

  /** A hundred would be a hundred steps of one, and a round of sixteen threads take seconds. */
  @Override
  public int largestBatch() {
    return 1;
  }

  @Override
  public int longestBacklog() {
    return LONGEST_BACKLOG;
  }

  /** Nodes as the queue itself makes them, only more at once. */
  @Override
  public void fill(int count) throws Exception {
    inMultis(
        Messages.payloads(count).stream()
            .map(
                payload ->
                    Op.create(
                        path + "/qn-",
                        payload,
                        Ids.OPEN_ACL_UNSAFE,
                        CreateMode.PERSISTENT_SEQUENTIAL))
            .toList());
  }

  @Override
  public void clear() throws Exception {
    inMultis(
        client.getChildren().forPath(path).stream()
            .map(child -> Op.delete(path + "/" + child, -1))
            .toList());
  }

  private void inMultis(List<Op> ops) throws Exception {
    for (int from = 0; from < ops.size(); from += MULTI) {
      client
          .getZookeeperClient()
          .getZooKeeper()
          .multi(ops.subList(from, Math.min(ops.size(), from + MULTI)));
    }
  }

  @Override
  public void close() throws InterruptedException {
    for (ServingThread each : serving) {
      each.close();
    }
    client.close();
  }
}
