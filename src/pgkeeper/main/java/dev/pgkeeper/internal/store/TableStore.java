package dev.pgkeeper.internal.store;

import dev.pgkeeper.DataTooLargeException;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.internal.jdbc.Call;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.jdbc.SqlFunction;
import dev.pgkeeper.internal.observe.Observation;
import dev.pgkeeper.internal.observe.Operation;
import dev.pgkeeper.lock.FencedStore;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.util.Optional;
import java.util.function.Supplier;

/** A fenced store in the table fenced. */
public final class TableStore implements FencedStore {
  /** So that store and key fit into an entry of the index. */
  private static final int LONGEST_BYTES = 1000;

  private final String schema;
  private final Supplier<Database> present;
  private final Observation observation;
  private final String name;
  private final int maxDataBytes;

  /**
   * @param present the database for the session that there is when a call begins; fails if there is
   *     none
   */
  public TableStore(
      String schema,
      Supplier<Database> present,
      Observation observation,
      String name,
      int maxDataBytes) {
    this.schema = schema;
    this.present = present;
    this.observation = observation;
    this.name = checked("name of a store", name);
    this.maxDataBytes = maxDataBytes;
  }

  private static String checked(String what, String text) {
    int bytes = text.getBytes(StandardCharsets.UTF_8).length;
    if (bytes < 1 || bytes > LONGEST_BYTES || text.indexOf('\0') >= 0) {
      throw new IllegalArgumentException(
          "a "
              + what
              + " has 1 to "
              + LONGEST_BYTES
              + " bytes in UTF-8 and no character 0; this one has "
              + bytes
              + " bytes");
    }
    return text;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public void write(String key, long token, byte[] data) {
    refuseStale(key, token, call(Operation.STORE_WRITE, fencedWrite(key, token, data)));
  }

  @Override
  public void write(Connection connection, String key, long token, byte[] data) {
    var unused = present.get();
    refuseStale(key, token, Database.on(connection, fencedWrite(key, token, data)));
  }

  private <T> T call(Operation operation, SqlFunction<T> statement) {
    Database database = present.get();
    return observation.measure(operation, () -> database.read(statement));
  }

  private void refuseStale(String key, long token, long greatest) {
    if (greatest != token) {
      throw new KeeperException.StaleToken(
          token,
          greatest,
          name
              + ", "
              + key
              + ": token "
              + token
              + " is stale, "
              + greatest
              + " has written; whoever has the older one lost its lock meanwhile");
    }
  }

  private SqlFunction<Long> fencedWrite(String key, long token, byte[] data) {
    checked("key", key);
    if (data.length > maxDataBytes) {
      throw new DataTooLargeException(key, data.length, maxDataBytes);
    }
    return Call.of(schema, "fenced_write", name, key, token, data).number();
  }

  @Override
  public Optional<Entry> read(String key) {
    return call(Operation.STORE_READ, fencedRead(key));
  }

  @Override
  public Optional<Entry> read(Connection connection, String key) {
    var unused = present.get();
    return Database.on(connection, fencedRead(key));
  }

  private SqlFunction<Optional<Entry>> fencedRead(String key) {
    checked("key", key);
    return Call.columns("data, token, written", schema, "fenced_read", name, key)
        .rowIfThere(
            row -> new Entry(row.getBytes(1), row.getLong(2), row.getTimestamp(3).toInstant()));
  }

  @Override
  public String toString() {
    return "FencedStore[" + name + "]";
  }
}
