package dev.pgkeeper.migration;

import static org.assertj.core.api.Assertions.fail;

import dev.pgkeeper.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Makes every change of the schema one that a reviewer sees. */
class SchemaSnapshotTest {

  private static final Path FILE =
      Path.of("src", "pgkeeper", "test", "resources", "schema-snapshot.txt");

  @Test
  void theSchemaIsTheOneThatWasReviewed() throws SQLException, IOException {
    String actual = snapshotWithRoles();
    if (Boolean.getBoolean("pgkeeper.snapshot.update")) {
      Files.writeString(FILE, actual);
      return;
    }
    String reviewed = Files.exists(FILE) ? Files.readString(FILE) : "";
    if (!reviewed.equals(actual)) {
      fail(
          "The schema is not the one in "
              + FILE
              + " (- there, + here):\n\n"
              + LineDiff.of(reviewed.lines().toList(), actual.lines().toList())
              + "\nIf that is what was meant: mvn test -Dtest=SchemaSnapshotTest -Dpgkeeper.snapshot.update=true,"
              + " and commit the file with the migration.");
    }
  }

  private static String snapshotWithRoles() throws SQLException {
    try (TestDatabase database = TestDatabase.fresh();
        Connection connection = database.connect()) {
      String application = database.schema() + "_application";
      String inspector = database.schema() + "_inspector";
      String operator = database.schema() + "_operator";
      List<String> roles = List.of(application, inspector, operator);
      roles.forEach(role -> database.execute("CREATE ROLE " + role));
      try {
        database.execute("CALL ${schema}.grant_application('" + application + "')");
        database.execute("CALL ${schema}.grant_inspector('" + inspector + "')");
        database.execute("CALL ${schema}.grant_operator('" + operator + "')");
        return SchemaSnapshot.of(connection, database.schema())
            .replace(application, "application")
            .replace(inspector, "inspector")
            .replace(operator, "operator");
      } finally {
        for (String role : roles) {
          database.execute("DROP OWNED BY " + role);
          database.execute("DROP ROLE " + role);
        }
      }
    }
  }
}
