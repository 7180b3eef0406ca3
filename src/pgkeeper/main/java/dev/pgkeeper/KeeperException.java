package dev.pgkeeper;

import dev.pgkeeper.tree.OpResult;
import org.jspecify.annotations.Nullable;

/**
 * What the database refused, or could not be asked. Every kind has a class of its own; {@link
 * #code()} names it too.
 */
public class KeeperException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** The answers: ZooKeeper's, with its numbers, and those of the recipes below -1000. */
  public enum Code {
    OK(0, "done"),
    RUNTIME_INCONSISTENCY(-2, "not tried, because a step before it failed"),
    CONNECTION_LOSS(-4, "the database could not be reached"),
    OPERATION_TIMEOUT(-7, "the database did not answer in time"),
    BAD_ARGUMENTS(-8, "the arguments were refused"),
    NO_NODE(-101, "there is no such node"),
    BAD_VERSION(-103, "the node has another version"),
    NO_CHILDREN_FOR_EPHEMERALS(
        -108, "the parent is ephemeral, and ephemeral nodes have no children"),
    NODE_EXISTS(-110, "the node exists already"),
    NOT_EMPTY(-111, "the node has children"),
    SESSION_EXPIRED(-112, "the session has ended"),
    NO_WATCHER(-121, "there is no such watch"),
    BUSY(-1001, "somebody else holds it"),
    WRONG_RECIPE(-1002, "the node is there for something else"),
    NOT_HELD(-1003, "it is not held any more"),
    STALE_TOKEN(-1004, "somebody with a greater token was there before"),
    DONE_BEFORE(-1005, "it was done before"),
    TOO_SOON(-1006, "it is too soon after the last time"),
    FAILED_BEFORE(-1007, "it failed before and is not tried again"),
    PAUSED(-1008, "it is paused"),
    NO_JOB(-1009, "there is no such job"),
    NO_QUEUE(-1010, "there is no such queue"),
    MESSAGE_REFUSED(-1011, "the queue does not take such a message"),
    DUPLICATE(-1012, "a message with this deduplication key was there before"),
    REFUSED(-1013, "the message is no longer this session's"),
    UNREADABLE(-1014, "the codec cannot read the message"),
    NOT_A_NUMBER(
        -1015,
        "its data are not a whole number of 64 bits in decimal digits, so nothing can be added; set it to one first"),
    OVERFLOW(-1016, "64 bits do not hold the sum; nothing was added"),
    WRONG_ISOLATION(-1017, "the transaction's isolation level is too high");

    private final int number;
    private final String meaning;

    Code(int number, String meaning) {
      this.number = number;
      this.meaning = meaning;
    }

    public int number() {
      return number;
    }

    String meaning() {
      return meaning;
    }
  }

  private final Code code;
  private final @Nullable String path;

  protected KeeperException(
      Code code, @Nullable String path, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.code = code;
    this.path = path;
  }

  public Code code() {
    return code;
  }

  public @Nullable String path() {
    return path;
  }

  /** The exception of the class that belongs to the code. */
  public static KeeperException of(Code code, String path) {
    String message = path + ": " + code.meaning();
    return switch (code) {
      case NO_NODE -> new NoNode(path, message);
      case NODE_EXISTS -> new NodeExists(path, message);
      case BAD_VERSION -> new BadVersion(path, message);
      case NOT_EMPTY -> new NotEmpty(path, message);
      case NO_CHILDREN_FOR_EPHEMERALS -> new NoChildrenForEphemerals(path, message);
      case NO_WATCHER -> new NoWatcher(path, message);
      case WRONG_RECIPE -> new WrongRecipe(path, message);
      case NOT_A_NUMBER -> new NotANumber(path, message);
      case OVERFLOW -> new Overflow(path, message);
      case SESSION_EXPIRED -> new SessionExpired(message);
      default -> new KeeperException(code, path, message, null);
    };
  }

  /** There is no such node, or none above it to create it in. */
  public static final class NoNode extends KeeperException {
    private static final long serialVersionUID = 1L;

    NoNode(String path, String message) {
      super(Code.NO_NODE, path, message, null);
    }
  }

  /** The node exists already. */
  public static final class NodeExists extends KeeperException {
    private static final long serialVersionUID = 1L;

    NodeExists(String path, String message) {
      super(Code.NODE_EXISTS, path, message, null);
    }
  }

  /** The node has another version than the caller named. */
  public static final class BadVersion extends KeeperException {
    private static final long serialVersionUID = 1L;

    BadVersion(String path, String message) {
      super(Code.BAD_VERSION, path, message, null);
    }
  }

  /** The node has children, and is not deleted without them. */
  public static final class NotEmpty extends KeeperException {
    private static final long serialVersionUID = 1L;

    NotEmpty(String path, String message) {
      super(Code.NOT_EMPTY, path, message, null);
    }
  }

  /** The parent is ephemeral, and ephemeral nodes have no children. */
  public static final class NoChildrenForEphemerals extends KeeperException {
    private static final long serialVersionUID = 1L;

    NoChildrenForEphemerals(String path, String message) {
      super(Code.NO_CHILDREN_FOR_EPHEMERALS, path, message, null);
    }
  }

  /** There is no such watch to be removed. */
  public static final class NoWatcher extends KeeperException {
    private static final long serialVersionUID = 1L;

    NoWatcher(String path, String message) {
      super(Code.NO_WATCHER, path, message, null);
    }
  }

  /** It could not be had in the time allowed. */
  public static final class Busy extends KeeperException {
    private static final long serialVersionUID = 1L;

    public Busy(String path, String message) {
      super(Code.BUSY, path, message, null);
    }
  }

  /** The node is not what this recipe needs, or is one of another size. */
  public static final class WrongRecipe extends KeeperException {
    private static final long serialVersionUID = 1L;

    public WrongRecipe(String path, String message) {
      super(Code.WRONG_RECIPE, path, message, null);
    }
  }

  /**
   * The caller no longer owns what it acts on: that was released, taken back or lost, or its limit
   * was reached.
   */
  public static final class NotHeld extends KeeperException {
    private static final long serialVersionUID = 1L;
    private final long token;

    public NotHeld(String path, long token, String message, @Nullable Throwable cause) {
      super(Code.NOT_HELD, path, message, cause);
      this.token = token;
    }

    public long token() {
      return token;
    }
  }

  /** Somebody with a greater token has written: whoever has the smaller one came too late. */
  public static final class StaleToken extends KeeperException {
    private static final long serialVersionUID = 1L;
    private final long token;
    private final long greatest;

    public StaleToken(long token, long greatest, String message) {
      super(Code.STALE_TOKEN, null, message, null);
      this.token = token;
      this.greatest = greatest;
    }

    /** The one that was refused. */
    public long token() {
      return token;
    }

    /** The greatest that has written. */
    public long greatest() {
      return greatest;
    }
  }

  /** Nothing of this name ever ran or was scheduled. */
  public static final class NoJob extends KeeperException {
    private static final long serialVersionUID = 1L;

    public NoJob(String message) {
      super(Code.NO_JOB, null, message, null);
    }
  }

  /** There is no queue of this name, and the queue's options say not to make one. */
  public static final class NoQueue extends KeeperException {
    private static final long serialVersionUID = 1L;

    public NoQueue(String message, @Nullable Throwable cause) {
      super(Code.NO_QUEUE, null, message, cause);
    }
  }

  /** The queue refuses this message: it is too large, or malformed. */
  public static final class MessageRefused extends KeeperException {
    private static final long serialVersionUID = 1L;

    public MessageRefused(String message, @Nullable Throwable cause) {
      super(Code.MESSAGE_REFUSED, null, message, cause);
    }
  }

  /** The codec of this queue cannot read a message. */
  public static final class Unreadable extends KeeperException {
    private static final long serialVersionUID = 1L;

    public Unreadable(String message, @Nullable Throwable cause) {
      super(Code.UNREADABLE, null, message, cause);
    }
  }

  /** The node's data are not a whole number of 64 bits in decimal digits. */
  public static final class NotANumber extends KeeperException {
    private static final long serialVersionUID = 1L;

    public NotANumber(String path, String message) {
      super(Code.NOT_A_NUMBER, path, message, null);
    }
  }

  /** 64 bits do not hold the sum; nothing was added. */
  public static final class Overflow extends KeeperException {
    private static final long serialVersionUID = 1L;

    Overflow(String path, String message) {
      super(Code.OVERFLOW, path, message, null);
    }
  }

  /**
   * The session in which a call began has ended, with everything it owned, and nothing was done.
   * The next call is done in the session after it.
   */
  public static final class SessionExpired extends KeeperException {
    private static final long serialVersionUID = 1L;

    public SessionExpired(String message) {
      super(Code.SESSION_EXPIRED, null, message, null);
    }
  }

  /**
   * The database could not be reached for as long as was configured. The operation was not done.
   */
  public static final class ConnectionLoss extends KeeperException {
    private static final long serialVersionUID = 1L;

    public ConnectionLoss(String message, @Nullable Throwable cause) {
      super(Code.CONNECTION_LOSS, null, message, cause);
    }
  }

  /**
   * The reply was lost, and the database stayed away for so long that nobody can tell whether the
   * operation was done.
   */
  public static final class OutcomeUnknown extends KeeperException {
    private static final long serialVersionUID = 1L;

    public OutcomeUnknown(String message, @Nullable Throwable cause) {
      super(Code.OPERATION_TIMEOUT, null, message, cause);
    }
  }

  /**
   * The caller's transaction is REPEATABLE READ or SERIALIZABLE, so it sees what was true when it
   * began; what is decided by what is true now cannot be done in it.
   */
  public static final class WrongIsolation extends KeeperException {
    private static final long serialVersionUID = 1L;

    public WrongIsolation(String message, @Nullable Throwable cause) {
      super(Code.WRONG_ISOLATION, null, message, cause);
    }
  }

  /** A statement that the database refused for a reason that is not one of the tree's rules. */
  public static final class DatabaseError extends KeeperException {
    private static final long serialVersionUID = 1L;

    public DatabaseError(String message, @Nullable Throwable cause) {
      super(Code.RUNTIME_INCONSISTENCY, null, message, cause);
    }
  }

  /** A multi that was not done; {@link #results()} says which step failed and why. */
  public static final class MultiFailed extends KeeperException {
    private static final long serialVersionUID = 1L;
    private final transient java.util.List<OpResult> results;

    public MultiFailed(Code code, String path, int step, java.util.List<OpResult> results) {
      super(
          code,
          path,
          "step "
              + step
              + " of the multi failed, nothing was done: "
              + path
              + ": "
              + code.meaning(),
          null);
      this.results = results;
    }

    /**
     * One for each step: {@code OK} before the one that failed, {@code RUNTIME_INCONSISTENCY} after
     * it.
     */
    public java.util.List<OpResult> results() {
      return results;
    }
  }
}
