package dev.pgkeeper.bench.tree;

import dev.pgkeeper.bench.server.Postgres;
import java.sql.SQLException;

/**
 * Fills a tree by writing its tables, since a million creations would take longer than all
 * measurements together. The one place here that knows the tables; who uses it checks through the
 * API that the tree is whole.
 */
public final class BulkLoad {
  private BulkLoad() {}

  /**
   * Gives each of the nodes {@code parent/0} to {@code parent/(parents - 1)}, new as well, so many
   * new children.
   */
  public static void grandchildren(String url, String parent, int parents, int children)
      throws SQLException {
    insertChildren(url, "VALUES ('%s')".formatted(parent), parents);
    insertChildren(
        url,
        "SELECT '%s/' || i FROM generate_series(0, %d) AS i".formatted(parent, parents - 1),
        children);
    Postgres.settle(url);
  }

  /** Gives one node so many new children: 0 and on. */
  static void children(String url, String parent, int children) throws SQLException {
    insertChildren(url, "VALUES ('%s')".formatted(parent), children);
    Postgres.settle(url);
  }

  private static void insertChildren(String url, String parents, int children) throws SQLException {
    Postgres.execute(
        url,
        """
        INSERT INTO pgkeeper.gathering (path, creates, children, pzxid)
          SELECT p.path, %1$d, %1$d, nextval('pgkeeper.zxid') FROM (%2$s) AS p (path)
        """
            .formatted(children, parents),
        """
        INSERT INTO pgkeeper.node (path, parent, name, kind, version, czxid, mzxid, ctime, mtime, data)
          SELECT p.path || '/' || i, p.path, i::text, 'persistent', 0, r.pzxid, r.pzxid, now(), now(),
              decode(repeat('00', %3$d), 'hex')
            FROM (%2$s) AS p (path) JOIN pgkeeper.gathering r USING (path), generate_series(0, %1$d - 1) AS i
        """
            .formatted(children, parents, OperationCase.DATA.length));
  }
}
