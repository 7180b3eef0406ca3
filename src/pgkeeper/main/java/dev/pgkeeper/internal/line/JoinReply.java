package dev.pgkeeper.internal.line;

import dev.pgkeeper.internal.jdbc.Outcome;

/**
 * What the database answers to who has joined a line.
 *
 * @param node what stands for it: a node of its own, or the line
 * @param holds it has what it asked for; else it waits, and its place is not durable yet
 */
record JoinReply(String node, long token, boolean holds) {
  static JoinReply of(Outcome joined) {
    return new JoinReply(joined.path(), joined.number(), joined.granted());
  }
}
