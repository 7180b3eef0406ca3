package dev.pgkeeper.bench;

/** A form of the results on standard output. */
interface ReportFormat {
  void figure(Figure figure);

  void comparison(Comparison comparison);

  void setting(String text);

  void end();
}
