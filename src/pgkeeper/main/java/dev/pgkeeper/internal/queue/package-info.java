/**
 * The client's side of queues (R__17_queues.sql and those after it): claims, who waits for messages
 * and is rung, and consumers.
 */
@NullMarked
package dev.pgkeeper.internal.queue;

import org.jspecify.annotations.NullMarked;
