package dev.pgkeeper.internal.keeper;

import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.jdbc.OwnConnections;
import dev.pgkeeper.internal.jdbc.ServerCheck;
import dev.pgkeeper.internal.observe.Observation;
import dev.pgkeeper.internal.session.ClientSession;
import dev.pgkeeper.internal.session.EventThread;
import java.util.concurrent.Executor;
import javax.sql.DataSource;

/**
 * Opens a keeper's sessions, one after the other.
 *
 * @param events tells the listeners of all of them, so that what was told of one comes before what
 *     is told of the next
 */
record SessionOpener(
    DataSource dataSource,
    KeeperOptions options,
    Observation observation,
    EventThread events,
    Executor background) {

  /**
   * @param whenLost what to do once the database has ended it
   */
  OpenSession open(Runnable whenLost) {
    Database database = new Database(dataSource, options.schema(), options.operationTimeout());
    ServerCheck.pass(database);
    ClientSession client =
        new ClientSession(
            database,
            options,
            observation,
            events,
            OwnConnections.choose(dataSource, options),
            background,
            whenLost);
    OpenSession session = new OpenSession(options, database, client, background);
    client.open();
    return session;
  }
}
