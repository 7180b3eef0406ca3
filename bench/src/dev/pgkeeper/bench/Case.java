package dev.pgkeeper.bench;

/** One question: who does how much of this, how fast, and at what cost. */
public interface Case {
  /** What the results carry: the suite's name, a dot, and what is done. */
  String name();

  void run(Lab lab, Report report) throws Exception;
}
