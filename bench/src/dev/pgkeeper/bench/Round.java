package dev.pgkeeper.bench;

/**
 * What one subject did in one round.
 *
 * @param units how much was done, all threads together
 * @param seconds from the common start until the last thread had ended
 * @param latencies of each step
 * @param cpu what clients and servers burned meanwhile
 */
record Round(long units, double seconds, Histogram latencies, CpuClock.Reading cpu) {}
