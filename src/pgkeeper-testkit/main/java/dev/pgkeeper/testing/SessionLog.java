package dev.pgkeeper.testing;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.Session;
import dev.pgkeeper.SessionState;
import java.util.List;

/**
 * What the database did with sessions, by its own clock: a trigger notes when a session's row went.
 */
public final class SessionLog {

  private final TestDatabase database;

  private SessionLog(TestDatabase database) {
    this.database = database;
  }

  /** Begins the log in this database's schema. */
  public static SessionLog of(TestDatabase database) {
    for (String sql :
        List.of(
            "CREATE TABLE ${schema}.ended (session bigint PRIMARY KEY, at timestamptz NOT NULL)",
            """
            CREATE FUNCTION ${schema}.note_ended() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
              INSERT INTO ${schema}.ended VALUES (OLD.id, clock_timestamp());
              RETURN OLD;
            END $$
            """,
            "CREATE TRIGGER note_ended BEFORE DELETE ON ${schema}.session"
                + " FOR EACH ROW EXECUTE FUNCTION ${schema}.note_ended()")) {
      database.execute(sql);
    }
    return new SessionLog(database);
  }

  /** When the session's row went, in microseconds of the database's clock; 0 if it is there. */
  public long endedAtMicros(long session) {
    return database.queryLong(
        "SELECT coalesce((SELECT extract(epoch FROM at) * 1000000 FROM ${schema}.ended WHERE session = "
            + session
            + "), 0)::bigint");
  }

  /** Lets the server have been up for a day. */
  public void putEpochBack() {
    database.execute("UPDATE ${schema}.epoch SET began = began - interval '1 day'");
  }

  /** The database's clock in microseconds. */
  public long nowMicros() {
    return database.queryLong("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint");
  }

  /** The server process at the other end of a client's own connection; 0 if there is none. */
  public static long backendOf(TestDatabase database, long session) {
    return database.queryLong(
        "SELECT coalesce((SELECT s.backend FROM ${schema}.session s JOIN ${schema}._advisory_locks() l"
            + " ON l.key = s.live AND l.pid = s.backend WHERE s.id = "
            + session
            + "), 0)");
  }

  /** Ends the present session of this keeper, and waits until its client has heard of that. */
  public static void lose(TestDatabase database, Keeper keeper) {
    Session present = keeper.session();
    database.execute("SELECT ${schema}.session_end(" + present.id() + ")");
    Await.until("the session is lost", () -> present.state() == SessionState.LOST);
  }

  /** Breaks a client's own connection, and waits until it has another one. */
  public static void reconnect(TestDatabase database, Keeper keeper) {
    long backend = backendOf(database, keeper.session().id());
    database.execute("SELECT pg_terminate_backend(" + backend + ")");
    Await.until(
        "connected again",
        () -> {
          long now = backendOf(database, keeper.session().id());
          return now != 0 && now != backend && keeper.session().isHeld();
        });
  }

  /** Ends a client's own connection from the server's side; false if there is none. */
  public static boolean terminateBackendOf(TestDatabase database, long session) {
    long pid = backendOf(database, session);
    if (pid != 0) {
      database.execute("SELECT pg_terminate_backend(" + pid + ")");
    }
    return pid != 0;
  }
}
