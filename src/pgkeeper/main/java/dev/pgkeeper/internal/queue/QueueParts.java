package dev.pgkeeper.internal.queue;

/** What the queues of one session share. */
record QueueParts(
    QueueSession session,
    Claims claims,
    Returns returns,
    Doubts doubts,
    Tidying tidying,
    QueueCounters counters,
    Threads threads) {

  static QueueParts of(QueueSession session) {
    Claims claims = new Claims();
    Tidying tidying = new Tidying(session);
    return new QueueParts(
        session,
        claims,
        new Returns(session, claims),
        new Doubts(session, claims),
        tidying,
        new QueueCounters(session, tidying),
        new Threads());
  }
}
