package dev.pgkeeper.proof.report;

import dev.pgkeeper.proof.Settings;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** The page that people read. */
public final class Report {
  private Report() {}

  public static void write(Path file, Settings settings, List<Outcome> outcomes)
      throws IOException {}
}
