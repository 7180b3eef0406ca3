package dev.pgkeeper.bench.tree;

import dev.pgkeeper.bench.server.ZooKeeperServer;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooKeeper;

/** Two ZooKeeper sessions. */
final class ZooKeeperSignals implements Signals {
  private static final String PATH = "/signal";

  private final ZooKeeper first;
  private final ZooKeeper second;

  ZooKeeperSignals(ZooKeeperServer server) throws Exception {
    first = server.connect();
    second = server.connect();
    if (first.exists(PATH, false) == null) {
      first.create(PATH, OperationCase.DATA, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
    }
  }

  @Override
  public void set() throws Exception {
    first.setData(PATH, OperationCase.DATA, -1);
  }

  @Override
  public void watch(Runnable told) throws Exception {
    second.addWatch(PATH, event -> told.run(), AddWatchMode.PERSISTENT);
  }

  @Override
  public void watchOnce(Runnable told) throws Exception {
    second.getData(PATH, event -> told.run(), null);
  }

  @Override
  public void close() throws InterruptedException {
    second.close();
    first.close();
  }
}
