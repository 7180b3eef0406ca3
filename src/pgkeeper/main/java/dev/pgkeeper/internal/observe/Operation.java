package dev.pgkeeper.internal.observe;

/**
 * What a caller asks for and waits for the answer to, its wait for company included. Not what is
 * done in a caller's transaction, whose connection is the caller's to measure.
 */
public enum Operation {
  // The tree.
  READ,
  CREATE,
  SET,
  DELETE,
  ADD,
  MULTI,

  // Lines: one round trip each, without the wait for the turn.
  JOIN,
  LEAVE,

  // Queues: without the wait for messages. An ack that goes with a take is part of the take.
  ENQUEUE,
  PUBLISH,
  TAKE,
  ACK,
  RETURN,

  // Runs of jobs: without the work.
  RUN_BEGIN,
  RUN_END,

  // Fenced stores.
  STORE_READ,
  STORE_WRITE
}
