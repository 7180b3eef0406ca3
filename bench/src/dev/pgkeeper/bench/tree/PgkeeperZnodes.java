package dev.pgkeeper.bench.tree;

import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.server.Postgres;
import dev.pgkeeper.tree.Op;
import dev.pgkeeper.tree.Tree;
import java.util.List;
import java.util.function.Function;

/** pgkeeper: one session, its operations on a pool as the floor's. */
final class PgkeeperZnodes implements Znodes {
  /** More in one transaction would save nothing. */
  private static final int BATCH = 500;

  private final HikariDataSource pool;
  private final Keeper keeper;
  private final Tree tree;

  PgkeeperZnodes(String url) {
    pool = Postgres.pool(url, Subjects.POOL_SIZE);
    try {
      keeper = Keeper.connect(pool);
    } catch (RuntimeException e) {
      pool.close();
      throw e;
    }
    tree = keeper.tree();
  }

  /** The one of this run. */
  static PgkeeperZnodes of(Lab lab, Report report) throws Exception {
    return lab.shared(
        PgkeeperZnodes.class,
        () ->
            Subjects.warmedUp(
                lab, new PgkeeperZnodes(Postgres.of(lab, report).createMigrated("tree"))));
  }

  Keeper keeper() {
    return keeper;
  }

  Tree tree() {
    return tree;
  }

  @Override
  public byte[] get(String path) {
    return tree.get(path).data();
  }

  @Override
  public void create(String path, byte[] data) {
    tree.create(path, data);
  }

  @Override
  public void set(String path, byte[] data) {
    tree.set(path, data);
  }

  @Override
  public void delete(String path) {
    tree.delete(path);
  }

  @Override
  public void createAll(List<String> paths, byte[] data) {
    inBatches(paths, path -> Op.create(path, data));
  }

  @Override
  public void deleteAll(List<String> paths) {
    inBatches(paths, Op::delete);
  }

  private void inBatches(List<String> paths, Function<String, Op> op) {
    for (int from = 0; from < paths.size(); from += BATCH) {
      tree.multi(
          paths.subList(from, Math.min(paths.size(), from + BATCH)).stream().map(op).toList());
    }
  }

  @Override
  public void close() {
    keeper.close();
    pool.close();
  }
}
