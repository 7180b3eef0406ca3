/**
 * The client's side of queues (V010): claims, who waits for messages and is rung, and consumers.
 */
@NullMarked
package dev.pgkeeper.internal.queue;

import org.jspecify.annotations.NullMarked;
