package dev.pgkeeper.lock;

import dev.pgkeeper.Fenced;
import dev.pgkeeper.Held;
import dev.pgkeeper.KeeperException;
import java.sql.Connection;
import java.time.Instant;
import java.util.Optional;

/**
 * Keys with data in the database. The store refuses a writer that comes too late: each write brings
 * the token of the lock or the leadership it is made under, and a write with a smaller token than
 * the last one is refused. So a holder that was paused, lost its lock and goes on cannot overwrite
 * what the next holder wrote. Keys stay, so that their tokens are remembered.
 *
 * <pre>{@code
 * FencedStore store = keeper.fencedStore("devices");
 * try (Held held = keeper.lock("/devices/7").acquire()) {
 *   store.write("7", held.token(), data);
 * }
 * }</pre>
 *
 * <p>Whatever is in this database can do without: {@link Fenced#inTransaction} makes a transaction
 * commit only while the lock is held. The store is for data that has no table of its own, and the
 * model for resources elsewhere, such as files, object stores, other databases and devices:
 *
 * <ol>
 *   <li>Whoever acts takes {@link Held#token} along with every request.
 *   <li>The resource remembers the greatest token that it has seen. It compares and stores the
 *       token in one step with the data that the token protects: in the same row, the same
 *       conditional put, or under the same mutex.
 *   <li>It refuses a request with a smaller token, and changes nothing.
 * </ol>
 *
 * <p>In another database that is one statement: {@code UPDATE device SET state = ?, token = ? WHERE
 * id = ? AND token <= ?}, and no row means that the writer was late. All tokens that meet at one
 * key must come from the same path: only those are in the order of their grants.
 *
 * <p>Names are shared by all clients of a schema, whatever they see as their root.
 */
public interface FencedStore {
  String name();

  /**
   * Writes, in a transaction of its own.
   *
   * @throws KeeperException.StaleToken if somebody with a greater token has written; nothing was
   *     changed
   */
  void write(String key, long token, byte[] data);

  /**
   * Writes in the transaction on this connection, which stays usable if the write is refused. Until
   * it ends, others who write this key wait.
   *
   * @throws KeeperException.StaleToken if somebody with a greater token has written; nothing was
   *     changed
   */
  void write(Connection connection, String key, long token, byte[] data);

  /** What was last written; empty if nothing ever was. */
  Optional<Entry> read(String key);

  /** What the transaction on this connection sees. */
  Optional<Entry> read(Connection connection, String key);

  /**
   * What is there under a key.
   *
   * @param token who wrote it
   * @param written when, by the database's clock
   */
  record Entry(byte[] data, long token, Instant written) {
    /** Without the data. */
    @Override
    public String toString() {
      return data.length + " bytes, written " + written + " with token " + token;
    }
  }
}
