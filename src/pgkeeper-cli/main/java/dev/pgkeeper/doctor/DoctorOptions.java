package dev.pgkeeper.doctor;

import dev.pgkeeper.migration.SchemaName;
import java.time.Duration;
import java.util.Objects;

/**
 * What is examined. Immutable; each {@code with…} returns a checked copy.
 *
 * @param schema the schema that was migrated
 * @param longest how long a transaction may be open, and dead rows may lie about, before that is
 *     told
 */
public record DoctorOptions(String schema, Duration longest) {

  public DoctorOptions {
    SchemaName.check(schema);
    Objects.requireNonNull(longest, "longest");
    if (longest.isNegative()) {
      throw new IllegalArgumentException("longest is " + longest + "; use 0 or more");
    }
  }

  /** The schema {@code pgkeeper}, and one minute. */
  public static DoctorOptions defaults() {
    return new DoctorOptions("pgkeeper", Duration.ofMinutes(1));
  }

  public DoctorOptions withSchema(String newSchema) {
    return new DoctorOptions(newSchema, longest);
  }

  public DoctorOptions withLongest(Duration newLongest) {
    return new DoctorOptions(schema, newLongest);
  }
}
