package dev.pgkeeper.internal.observe;

/** How many messages of a queue a client has seen go where in a few seconds. */
public record QueueCounts(
    String queue, long enqueued, long taken, long acked, long returned, long died) {}
