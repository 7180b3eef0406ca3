package dev.pgkeeper.internal.session;

import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.internal.jdbc.Call;
import dev.pgkeeper.internal.jdbc.SqlFunction;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.sql.CallableStatement;
import java.sql.Types;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The functions of sessions by their own names, for whichever connection they are to run on. */
final class SessionCalls {
  private final String schema;

  SessionCalls(String schema) {
    this.schema = schema;
  }

  /** What a ping tells: whether the session lives, and the tick in which this client is to reap. */
  record Ping(boolean alive, @Nullable Long tick) {}

  /** How a session ended; by whom and why where that was an operator. */
  record Ending(String how, @Nullable String by, @Nullable String why) {
    String told() {
      return by == null
          ? "its lease or its grace was over"
          : "the operator " + by + " ended it: " + why;
    }
  }

  /**
   * What a reaper's tick did: how many sessions and limited holds it ended, and in how many
   * milliseconds the next suspicion is ripe.
   */
  record Reaped(int sessions, int holds, @Nullable Long nextMs) {}

  /** A session, and the channel on which it is rung. */
  record Opened(long id, String channel) {}

  SqlFunction<Opened> sessionOpen(KeeperOptions options, boolean direct) {
    return Call.columns(
            "opened, " + schema + ".session_channel(opened)",
            schema,
            "session_open",
            options.timeout().toMillis(),
            options.grace().toMillis(),
            direct,
            options.clientName(),
            host(),
            ProcessHandle.current().pid())
        .as("opened")
        .row(row -> new Opened(row.getLong(1), row.getString(2)));
  }

  private static String host() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "unknown";
    }
  }

  SqlFunction<Boolean> sessionAttach(long session, long way) {
    return Call.of(schema, "session_attach", session, way).isTrue();
  }

  SqlFunction<Boolean> sessionRenew(long session) {
    return Call.of(schema, "session_renew", session).isTrue();
  }

  SqlFunction<Boolean> sessionRenewAlone(long session, long way) {
    return Call.of(schema, "session_renew_alone", session, way).isTrue();
  }

  SqlFunction<Boolean> sessionEnd(long session) {
    return Call.of(schema, "session_end", session).isTrue();
  }

  /** Ends the session, unless a transaction holds on to something of it for longer than this. */
  SqlFunction<Boolean> sessionEndWithin(Duration patience, long session) {
    return Call.statement(
            "SELECT "
                + schema
                + ".session_end(?) FROM (SELECT pg_catalog.set_config('lock_timeout', ?, true) OFFSET 0) AS patience",
            session,
            patience.toMillis() + "ms")
        .isTrue();
  }

  /** How a session ended, for people to read; empty if nobody remembers. */
  SqlFunction<Optional<Ending>> sessionEnding(long session) {
    return Call.statement(
            "SELECT how, ended_by, why FROM "
                + schema
                + ".past_sessions WHERE session OPERATOR(pg_catalog.=) ?",
            session)
        .rowIfThere(row -> new Ending(row.getString(1), row.getString(2), row.getString(3)));
  }

  SqlFunction<Ping> sessionPing(long session) {
    return Call.columns("alive, tick", schema, "session_ping", session)
        .row(row -> new Ping(row.getBoolean(1), row.getObject(2, Long.class)));
  }

  SqlFunction<Reaped> reap(int most) {
    return connection -> {
      try (CallableStatement call =
          connection.prepareCall("CALL " + schema + ".reap(?, ?, ?, ?)")) {
        call.setInt(1, most);
        call.registerOutParameter(2, Types.INTEGER);
        call.registerOutParameter(3, Types.INTEGER);
        call.registerOutParameter(4, Types.BIGINT);
        call.execute();
        int sessions = call.getInt(2);
        int holds = call.getInt(3);
        long nextMs = call.getLong(4);
        return new Reaped(sessions, holds, call.wasNull() ? null : nextMs);
      }
    };
  }

  SqlFunction<Integer> reapNodes(int most) {
    return Call.of(schema, "reap_nodes", most).row(row -> row.getInt(1));
  }

  SqlFunction<Integer> pruneHistory(int most) {
    return Call.of(schema, "prune_history", most).row(row -> row.getInt(1));
  }

  SqlFunction<Long> sessionCount() {
    return Call.statement("SELECT pg_catalog.count(*) FROM " + schema + ".sessions").number();
  }

  SqlFunction<Boolean> tidy() {
    return Call.of(schema, "_tidy").done();
  }

  /** Nothing but a round trip. */
  SqlFunction<Boolean> echo() {
    return Call.statement("SELECT 1").done();
  }

  /** Whether the backend that answers is the one that listens on this channel. */
  SqlFunction<Boolean> listensHere(String channel) {
    return Call.statement(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_listening_channels() AS c WHERE c OPERATOR(pg_catalog.=) ?)",
            channel)
        .isTrue();
  }

  /**
   * Notifies when the transaction commits. Answers false where it does not, because the server's
   * queue of notifications is nearly full: then the commit would fail.
   */
  SqlFunction<Boolean> notify(String channel, String payload) {
    return Call.statement(
            "SELECT CASE WHEN pg_catalog.pg_notification_queue_usage() OPERATOR(pg_catalog.>) 0.9 THEN false"
                + " ELSE pg_catalog.pg_notify(?, ?) IS NOT NULL END",
            channel,
            payload)
        .isTrue();
  }
}
