package dev.pgkeeper.internal.observe;

import java.time.Duration;

/**
 * How many messages of a queue are where, in the words of the view {@code queues}.
 *
 * @param oldest how long ago the oldest message was enqueued that is ready or behind; zero if none
 *     is
 */
public record QueueDepth(
    String queue,
    long ready,
    long behind,
    long delayed,
    long retrying,
    long claimed,
    long dead,
    Duration oldest) {}
