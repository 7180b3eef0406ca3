package dev.pgkeeper.internal.line;

import dev.pgkeeper.internal.jdbc.Outcome;
import dev.pgkeeper.tree.Stat;

/**
 * What the database answers to who has joined a line.
 *
 * @param node what stands for it: a node of its own, or the line
 * @param holds it has what it asked for; else it waits, and its place is not durable yet
 */
record JoinReply(String node, long token, boolean holds) {
  /** In the row of an outcome, the version says how it stands, and the czxid is the token. */
  static JoinReply of(Outcome joined) {
    Stat row = joined.knownStat();
    return new JoinReply(joined.path(), row.czxid(), row.version() == 1);
  }
}
