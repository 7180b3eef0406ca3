package dev.pgkeeper.election;

import java.util.Objects;

/** What a candidate does with a leadership. */
interface Duty {
  /** Takes the leadership on. Returns whether the duty goes on after this call. */
  boolean begin(Leadership leadership) throws Exception;

  /** Called before a leadership that still goes on is given up, or after one was lost. */
  void end(Leadership leadership);

  /** Whether {@link #begin} is interrupted to make it return. */
  boolean isInterruptible();

  static Duty of(LeadershipWork<?> work) {
    Objects.requireNonNull(work, "work");
    return new Duty() {
      @Override
      public boolean begin(Leadership leadership) throws Exception {
        work.lead(leadership);
        return false;
      }

      @Override
      public void end(Leadership leadership) {}

      @Override
      public boolean isInterruptible() {
        return true;
      }
    };
  }

  static Duty of(LeadershipListener listener) {
    Objects.requireNonNull(listener, "listener");
    return new Duty() {
      @Override
      public boolean begin(Leadership leadership) {
        listener.onElected(leadership);
        return true;
      }

      @Override
      public void end(Leadership leadership) {
        listener.onLost(leadership);
      }

      @Override
      public boolean isInterruptible() {
        return false;
      }
    };
  }
}
