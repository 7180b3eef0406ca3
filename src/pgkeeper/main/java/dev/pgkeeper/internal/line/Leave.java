package dev.pgkeeper.internal.line;

/**
 * A wish to leave: the node of the contender, or the line itself where it is in the line's row,
 * with its number.
 */
record Leave(String node, long token, boolean inRow) {}
