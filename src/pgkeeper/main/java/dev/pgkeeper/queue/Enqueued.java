package dev.pgkeeper.queue;

/**
 * What became of a message that was to be enqueued.
 *
 * @param id its number, or that of the one that was there before
 * @param isDuplicate its deduplication key was used within the queue's window; nothing was enqueued
 */
public record Enqueued(long id, boolean isDuplicate) {}
