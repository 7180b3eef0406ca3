package dev.pgkeeper.bench.tree;

import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.server.ZooKeeperServer;
import java.util.List;
import java.util.function.Function;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooKeeper;

/**
 * ZooKeeper as an application uses it: one session for the process, calls from many threads share
 * its connection.
 */
final class ZooKeeperZnodes implements Znodes {
  /** A multi may not be larger than a megabyte. */
  private static final int BATCH = 500;

  private final ZooKeeper client;

  ZooKeeperZnodes(ZooKeeper client) {
    this.client = client;
  }

  /** The one of this run. */
  static ZooKeeperZnodes of(Lab lab, Report report) throws Exception {
    return lab.shared(
        ZooKeeperZnodes.class,
        () ->
            Subjects.warmedUp(lab, new ZooKeeperZnodes(ZooKeeperServer.of(lab, report).connect())));
  }

  @Override
  public byte[] get(String path) throws Exception {
    return client.getData(path, false, null);
  }

  @Override
  public void create(String path, byte[] data) throws Exception {
    client.create(path, data, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
  }

  @Override
  public void set(String path, byte[] data) throws Exception {
    client.setData(path, data, -1);
  }

  @Override
  public void delete(String path) throws Exception {
    client.delete(path, -1);
  }

  @Override
  public void createAll(List<String> paths, byte[] data) throws Exception {
    inBatches(paths, path -> Op.create(path, data, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT));
  }

  @Override
  public void deleteAll(List<String> paths) throws Exception {
    inBatches(paths, path -> Op.delete(path, -1));
  }

  private void inBatches(List<String> paths, Function<String, Op> op) throws Exception {
    for (int from = 0; from < paths.size(); from += BATCH) {
      client.multi(
          paths.subList(from, Math.min(paths.size(), from + BATCH)).stream().map(op).toList());
    }
  }

  @Override
  public void close() throws InterruptedException {
    client.close();
  }
}
