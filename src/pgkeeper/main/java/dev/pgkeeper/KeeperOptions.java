package dev.pgkeeper;

import dev.pgkeeper.migration.SchemaName;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * How a {@link Keeper} connects. Immutable; each {@code with…} returns a checked copy: {@code
 * KeeperOptions.defaults().withTimeout(Duration.ofSeconds(10))}.
 *
 * @param schema the schema that {@link Keeper#migrate} filled
 * @param clientName what the session is called in the views
 * @param timeout how long a client may be silent before its session ends; one second to one day
 * @param grace how long after the break of its connection a session ends, if its client does not
 *     come back; 200 milliseconds up to the timeout
 * @param operationTimeout how long a call goes on trying while the database is away; a pool's own
 *     wait for a connection comes on top where it is longer
 * @param sweep how often everything watched is compared with the database, in case a notification
 *     was lost
 * @param chroot the node that this client sees as its root
 * @param maxDataBytes how large a node's data may be
 * @param listener where the client's own connection comes from; null to find out from the data
 *     source
 * @param leaseOnly whether to do without a connection of its own: no fast failover, changes are
 *     polled for
 */
public record KeeperOptions(
    String schema,
    String clientName,
    Duration timeout,
    Duration grace,
    Duration operationTimeout,
    Duration sweep,
    String chroot,
    int maxDataBytes,
    @Nullable ConnectionSource listener,
    boolean leaseOnly) {

  /** Opens a connection that nobody else uses and that no pool takes back. */
  @FunctionalInterface
  public interface ConnectionSource {
    java.sql.Connection open() throws java.sql.SQLException;
  }

  public KeeperOptions {
    SchemaName.check(schema);
    Objects.requireNonNull(clientName, "clientName");
    within("timeout", timeout, Duration.ofSeconds(1), Duration.ofDays(1));
    within("grace", grace, Duration.ofMillis(200), timeout);
    within("operationTimeout", operationTimeout, Duration.ofMillis(100), Duration.ofDays(1));
    within("sweep", sweep, Duration.ofMillis(100), Duration.ofDays(1));
    Objects.requireNonNull(chroot, "chroot");
    if (maxDataBytes < 0 || maxDataBytes > 256 * 1024 * 1024) {
      throw new IllegalArgumentException(
          "maxDataBytes is " + maxDataBytes + "; use 0 to 268435456");
    }
  }

  private static void within(String name, Duration value, Duration least, Duration most) {
    Objects.requireNonNull(value, name);
    if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
      throw new IllegalArgumentException(name + " is " + value + "; use " + least + " to " + most);
    }
  }

  public static KeeperOptions defaults() {
    return new KeeperOptions(
        "pgkeeper",
        "pgkeeper",
        Duration.ofSeconds(30),
        Duration.ofSeconds(2),
        Duration.ofSeconds(15),
        Duration.ofSeconds(5),
        "/",
        1024 * 1024 - 1,
        null,
        false);
  }

  public KeeperOptions withSchema(String newSchema) {
    return with(changed -> changed.schema = newSchema);
  }

  public KeeperOptions withClientName(String newClientName) {
    return with(changed -> changed.clientName = newClientName);
  }

  /** A timeout shorter than the grace shortens the grace too. */
  public KeeperOptions withTimeout(Duration newTimeout) {
    return with(
        changed -> {
          changed.timeout = newTimeout;
          changed.grace = grace.compareTo(newTimeout) > 0 ? newTimeout : grace;
        });
  }

  public KeeperOptions withGrace(Duration newGrace) {
    return with(changed -> changed.grace = newGrace);
  }

  public KeeperOptions withOperationTimeout(Duration newOperationTimeout) {
    return with(changed -> changed.operationTimeout = newOperationTimeout);
  }

  public KeeperOptions withSweep(Duration newSweep) {
    return with(changed -> changed.sweep = newSweep);
  }

  /**
   * The node that this client sees as its root. Queues, topics and jobs have names and no paths:
   * clients of one schema share them, whatever their roots are.
   */
  public KeeperOptions withChroot(String newChroot) {
    return with(changed -> changed.chroot = newChroot);
  }

  public KeeperOptions withMaxDataBytes(int newMaxDataBytes) {
    return with(changed -> changed.maxDataBytes = newMaxDataBytes);
  }

  public KeeperOptions withListener(ConnectionSource newListener) {
    return with(
        changed -> {
          changed.listener = newListener;
          changed.leaseOnly = false;
        });
  }

  public KeeperOptions withLeaseOnly() {
    return with(
        changed -> {
          changed.listener = null;
          changed.leaseOnly = true;
        });
  }

  private KeeperOptions with(Consumer<Changed> change) {
    Changed changed = new Changed(this);
    change.accept(changed);
    return changed.checked();
  }

  /** A copy that is being changed. */
  private static final class Changed {
    String schema;
    String clientName;
    Duration timeout;
    Duration grace;
    Duration operationTimeout;
    Duration sweep;
    String chroot;
    int maxDataBytes;
    @Nullable ConnectionSource listener;
    boolean leaseOnly;

    Changed(KeeperOptions options) {
      schema = options.schema;
      clientName = options.clientName;
      timeout = options.timeout;
      grace = options.grace;
      operationTimeout = options.operationTimeout;
      sweep = options.sweep;
      chroot = options.chroot;
      maxDataBytes = options.maxDataBytes;
      listener = options.listener;
      leaseOnly = options.leaseOnly;
    }

    KeeperOptions checked() {
      return new KeeperOptions(
          schema,
          clientName,
          timeout,
          grace,
          operationTimeout,
          sweep,
          chroot,
          maxDataBytes,
          listener,
          leaseOnly);
    }
  }
}
