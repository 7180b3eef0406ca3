package dev.pgkeeper.internal.line;

/**
 * A wish to leave: the node of the contender, or the line itself where it was got the quick way,
 * with the number of the grant.
 */
record Leave(String node, long token, boolean quick) {}
