package dev.pgkeeper.doctor;

import dev.pgkeeper.internal.jdbc.ServerCheck;
import dev.pgkeeper.migration.Migrations;
import java.sql.SQLException;
import java.util.Optional;

/** Whether server, schema and library go together. */
final class VersionChecks {
  private VersionChecks() {}

  static void ofServer(Patient patient, Findings findings) throws SQLException {
    patient
        .ask(
            "SELECT current_setting('server_version') WHERE current_setting('server_version_num')::int < ?",
            row -> row.getString(1),
            ServerCheck.OLDEST_SERVER)
        .ifPresent(
            version ->
                findings.error(
                    "the server is PostgreSQL " + version, "pgkeeper needs 14 or newer."));
  }

  static void ofSchema(Patient patient, Findings findings) throws SQLException {
    Optional<Patient.SchemaVersion> schema = patient.schemaVersion();
    String migrate =
        "Run Keeper.migrate(dataSource, \"%1$s\") or \"pgkeeper migrate --schema %1$s\""
            .formatted(patient.schema());
    if (schema.isEmpty()) {
      findings.error(
          "there is no pgkeeper in the schema \"" + patient.schema() + "\" of this database",
          migrate + ", or name the right schema.");
      return;
    }
    int version = schema.get().version();
    if (version < Migrations.latest()) {
      findings.error(
          "the schema has version %d, and this library brings %d: %d migrations are missing"
              .formatted(version, Migrations.latest(), Migrations.latest() - version),
          migrate + "; clients of the older version may go on meanwhile.");
    } else if (schema.get().oldestClient() > Migrations.latest()) {
      findings.error(
          "the schema has version %d and serves libraries from version %d on; this one is of version %d"
              .formatted(version, schema.get().oldestClient(), Migrations.latest()),
          "Update the library.");
    }
  }
}
