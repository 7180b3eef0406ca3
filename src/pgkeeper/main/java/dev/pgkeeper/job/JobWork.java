package dev.pgkeeper.job;

/** The work of a run whose effects need not be in one transaction. */
@FunctionalInterface
public interface JobWork<X extends Exception> {
  void run(JobRun run) throws X;
}
