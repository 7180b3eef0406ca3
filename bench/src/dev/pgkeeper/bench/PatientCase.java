package dev.pgkeeper.bench;

import java.util.List;

/**
 * A case that starts something and then looks at it for a while, in which it counts and times
 * nothing by the millisecond. All such cases of a run share that while.
 */
public interface PatientCase extends Case {
  /** Starts what is to be watched; returns once it is there. */
  Watched start(Lab lab, Report report) throws Exception;

  @Override
  default void run(Lab lab, Report report) throws InterruptedException {
    new Vigil(List.of(this), lab).keep(lab, report);
  }

  /** What was started. */
  interface Watched extends AutoCloseable {
    /** From now on it counts. */
    default void begin() throws Exception {}

    /** Called each second meanwhile. */
    default void look() throws Exception {}

    /** Until now it counted. */
    default void end() throws Exception {}

    void tell() throws Exception;

    @Override
    void close() throws Exception;
  }
}
