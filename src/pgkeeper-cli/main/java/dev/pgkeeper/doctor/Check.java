package dev.pgkeeper.doctor;

import java.sql.SQLException;

/** Looks for one kind of fault. */
@FunctionalInterface
interface Check {
  /** Says nothing where all is well. What it may not ask fails with PostgreSQL's own error. */
  void look(Patient patient, Findings findings) throws SQLException;
}
