package dev.pgkeeper.cli.command;

import dev.pgkeeper.migration.Migrations;
import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;
import picocli.CommandLine.IVersionProvider;

/** What {@code --version} prints. */
public final class VersionText implements IVersionProvider {
  /** Put into the jar by Maven; not there where classes are run from a directory. */
  private static final String MAVENS = "/META-INF/maven/dev.pgkeeper/pgkeeper/pom.properties";

  @Override
  public String[] getVersion() throws IOException {
    return new String[] {
      "pgkeeper "
          + jarVersion()
          + ", schema version "
          + Migrations.latest()
          + ", Java "
          + Runtime.version().feature()
    };
  }

  private static String jarVersion() throws IOException {
    try (InputStream in = VersionText.class.getResourceAsStream(MAVENS)) {
      if (in == null) {
        return "(not packaged)";
      }
      Properties properties = new Properties();
      properties.load(in);
      return properties.getProperty("version", "(unknown)");
    }
  }
}
