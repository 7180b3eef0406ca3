/**
 * Queues: messages that are handed to one consumer each, and topics whose subscriptions each have
 * all of them. Begin with {@link dev.pgkeeper.Keeper#queue}.
 */
@NullMarked
package dev.pgkeeper.queue;

import org.jspecify.annotations.NullMarked;
