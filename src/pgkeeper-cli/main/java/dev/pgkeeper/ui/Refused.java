package dev.pgkeeper.ui;

/** A request is not done. */
final class Refused extends Exception {
  private static final long serialVersionUID = 1;

  private final transient Refusal refusal;

  Refused(int status, String why) {
    super(why);
    refusal = new Refusal(status, why);
  }

  Refused(int status, String why, Throwable cause) {
    super(why, cause);
    refusal = new Refusal(status, why);
  }

  Refusal refusal() {
    return refusal;
  }
}
