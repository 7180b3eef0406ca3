package dev.pgkeeper.proof.failover;

/** What becomes of an owner or its server, and who has to act after it. */
public enum Way {
  CLOSED("the owner is closed", Successor.NEXT, false, "leaving hands over in one transaction"),
  KILLED(
      "its process is killed (kill -9)",
      Successor.NEXT,
      false,
      "the server sees its connection end; a turn of the reaper (750 ms at most); the grace (2 s)"),
  CUT(
      "its network passes nothing and closes nothing",
      Successor.NEXT,
      true,
      "nobody can see it, so its lease decides: 40 s from its last renewal, of which it makes three in 30 s"),
  STOPPED(
      "its process is stopped (SIGSTOP), and goes on afterwards",
      Successor.NEXT,
      true,
      "the same: its connection stays open"),
  SERVER_RESTARTED(
      "the server is killed and started again; the owner lives",
      Successor.SAME,
      false,
      "the start of the server with its recovery; the owner connects again and goes on"),
  SERVER_AND_OWNER(
      "the server is killed and started again, and the owner killed with it",
      Successor.NEXT,
      true,
      "after a restart only leases count until everybody has had the time to come back"),
  PRIMARY_LOST(
      "the primary is killed and its synchronous standby promoted; the owner lives",
      Successor.SAME,
      false,
      "the promotion, which is ordered at once here; the driver looks which server takes writes"),
  PRIMARY_AND_OWNER(
      "the primary is killed, and the owner with it; the synchronous standby is promoted",
      Successor.NEXT,
      true,
      "as after a restart, the lease");

  /** Who acts after it. */
  enum Successor {
    /** The one who waited. */
    NEXT,
    /** The owner itself: its session outlives what happened. */
    SAME
  }

  private final String text;
  private final Successor successor;
  private final boolean isLong;
  private final String consistsOf;

  Way(String text, Successor successor, boolean isLong, String consistsOf) {
    this.text = text;
    this.successor = successor;
    this.isLong = isLong;
    this.consistsOf = consistsOf;
  }

  public String text() {
    return text;
  }

  /** What the time consists of. */
  public String consistsOf() {
    return consistsOf;
  }

  /** Whether the owner stays the owner. */
  public boolean isOwnersStill() {
    return successor == Successor.SAME;
  }

  /** Whether it takes a lease, so that others can go on meanwhile. */
  public boolean isLong() {
    return isLong;
  }

  /** Whether the owner is there afterwards, to try what it may not do any more. */
  public boolean leavesOwner() {
    return this == CUT || this == STOPPED;
  }

  public boolean needsStandby() {
    return this == PRIMARY_LOST || this == PRIMARY_AND_OWNER;
  }

  /** What has to hold. */
  public String promise() {
    return text
        + (isOwnersStill()
            ? ": it goes on, nobody else acts before it is closed"
            : ": the next one acts, with a greater token, and the former one is refused");
  }
}
