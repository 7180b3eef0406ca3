package dev.pgkeeper.tree;

/** The seven kinds a znode can be created as. */
public enum CreateMode {
  /** Stays until it is deleted. */
  PERSISTENT(Kind.PERSISTENT, false),
  /** Stays until it is deleted; the parent appends a growing number to its name. */
  PERSISTENT_SEQUENTIAL(Kind.PERSISTENT, true),
  /** Goes with the session that created it; has no children. */
  EPHEMERAL(Kind.EPHEMERAL, false),
  /** Goes with its session; the parent appends a growing number to its name. */
  EPHEMERAL_SEQUENTIAL(Kind.EPHEMERAL, true),
  /** Goes some time after its last child went, or if it never had one for five minutes. */
  CONTAINER(Kind.CONTAINER, false),
  /** Goes once it has no children and was not set for its time to live. */
  PERSISTENT_WITH_TTL(Kind.TTL, false),
  /** Like {@link #PERSISTENT_WITH_TTL}, with a growing number appended to the name. */
  PERSISTENT_SEQUENTIAL_WITH_TTL(Kind.TTL, true);

  /** How long a node lives: the four kinds the database knows. */
  public enum Kind {
    PERSISTENT,
    EPHEMERAL,
    CONTAINER,
    TTL
  }

  private final Kind kind;
  private final boolean sequential;

  CreateMode(Kind kind, boolean sequential) {
    this.kind = kind;
    this.sequential = sequential;
  }

  public Kind kind() {
    return kind;
  }

  public boolean isSequential() {
    return sequential;
  }

  public boolean isEphemeral() {
    return kind == Kind.EPHEMERAL;
  }

  public boolean hasTtl() {
    return kind == Kind.TTL;
  }
}
