package dev.pgkeeper.internal.queue;

/** What the queues of one session share. */
record QueueParts(
    QueueSession session,
    Claims claims,
    Returns returns,
    Doubts doubts,
    QueueClock clock,
    Tidying tidying,
    QueueCounters counters,
    Threads threads) {

  static QueueParts of(QueueSession session) {
    Claims claims = new Claims();
    QueueClock clock = new QueueClock();
    return new QueueParts(
        session,
        claims,
        new Returns(session, claims),
        new Doubts(session, claims),
        clock,
        new Tidying(session, clock),
        new QueueCounters(session, clock),
        new Threads());
  }
}
