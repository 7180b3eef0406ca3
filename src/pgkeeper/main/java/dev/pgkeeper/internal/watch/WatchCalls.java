package dev.pgkeeper.internal.watch;

import dev.pgkeeper.internal.jdbc.Call;
import dev.pgkeeper.internal.jdbc.SqlFunction;
import dev.pgkeeper.tree.NodeSums;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** The functions of watches by their own names, for whichever connection they are to run on. */
final class WatchCalls {
  private static final int FETCHED_AT_ONCE = 1000;

  private final String schema;
  private final int longestLookSeconds;

  /**
   * @param patience of whoever looks: the server looks no longer
   */
  WatchCalls(String schema, Duration patience) {
    this.schema = schema;
    this.longestLookSeconds = (int) Math.max(1, patience.multipliedBy(4).dividedBy(5).toSeconds());
  }

  SqlFunction<Map<String, Seen>> watchStates(List<String> paths) {
    return states("watch_states", Call.texts(paths));
  }

  SqlFunction<Map<String, Seen>> watchSubtree(String root) {
    return states("watch_subtree", root);
  }

  SqlFunction<NodeSums> nodeSums(String root) {
    return SumsQuery.of(schema, root, false);
  }

  private SqlFunction<Map<String, Seen>> states(String function, Object of) {
    return Call.columns("path, czxid, mzxid, pzxid", schema, function, of)
        .fetching(FETCHED_AT_ONCE, longestLookSeconds)
        .rowsBy(row -> row.getString("path"), Seen::of);
  }

  SqlFunction<Boolean> watchAgain(long session, List<Watches.Registration> registrations) {
    return registrations(session, registrations, "watch_again");
  }

  SqlFunction<Boolean> watchForget(long session, List<Watches.Registration> registrations) {
    return registrations(session, registrations, "watch_forget");
  }

  private SqlFunction<Boolean> registrations(
      long session, List<Watches.Registration> registrations, String function) {
    return Call.of(
            schema,
            function,
            session,
            Call.array("text", registrations, Watches.Registration::path),
            Call.array("text", registrations, Watches.Registration::kind))
        .done();
  }

  /** Registers without a look and returns the horizon that the first look has to be past. */
  SqlFunction<Long> watchUnread(long session, Watches.Registration registration) {
    return connection -> {
      watchAgain(session, List.of(registration)).apply(connection);
      return Call.of(schema, "watch_horizon").number().apply(connection);
    };
  }

  SqlFunction<Boolean> watchIsSettled(long horizon) {
    return Call.of(schema, "watch_is_settled", horizon).isTrue();
  }
}
