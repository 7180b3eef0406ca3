package dev.pgkeeper.doctor;

import java.sql.SQLException;

/** Whether what was committed is still there after a crash. */
final class DurabilityChecks {
  private DurabilityChecks() {}

  static void synchronousCommit(Patient patient, Findings findings) throws SQLException {
    String level = setting(patient, "synchronous_commit");
    if (level.equals("off")) {
      findings.error(
          "synchronous_commit is off for this role: after a crash of the server, grants and messages that a client was told of"
              + " may be forgotten, and somebody else may have them",
          "Set synchronous_commit = on for the role (or the database, or the server). pgkeeper turns it off by itself where"
              + " nothing can be lost.");
    } else if (level.equals("local") && !setting(patient, "synchronous_standby_names").isEmpty()) {
      findings.warning(
          "synchronous_commit is local for this role: commits do not wait for the synchronous standby, which may not have the"
              + " last of them when it is promoted",
          "Set synchronous_commit = on for the role.");
    }
  }

  static void fsync(Patient patient, Findings findings) throws SQLException {
    if (setting(patient, "fsync").equals("off")) {
      findings.error(
          "fsync is off: after a crash of the machine, anything may be lost or damaged",
          "Set fsync = on in the server's configuration.");
    }
  }

  static void fullPageWrites(Patient patient, Findings findings) throws SQLException {
    if (setting(patient, "full_page_writes").equals("off")) {
      findings.warning(
          "full_page_writes is off: a crash of the machine may leave pages that are half written",
          "Set full_page_writes = on, unless the file system never writes half a page.");
    }
  }

  private static String setting(Patient patient, String name) throws SQLException {
    return patient.ask("SELECT current_setting(?)", row -> row.getString(1), name).orElseThrow();
  }
}
