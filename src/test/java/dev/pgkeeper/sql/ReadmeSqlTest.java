package dev.pgkeeper.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What the README shows in SQL is done, from its first line to its last. */
class ReadmeSqlTest {
  private static final Pattern BLOCK = Pattern.compile("```sql\n(.*?)```", Pattern.DOTALL);
  private static final Pattern STATEMENT = Pattern.compile("(?m)^(SELECT|CALL)[^;]*;");
  private static final int SHOWN = 20;

  @Test
  void eachStatementInSqlRuns() throws IOException {
    try (TestDatabase database = TestDatabase.fresh()) {
      SqlClient client = SqlClient.open(database, "billing");
      client.lock("/orders/O005");
      client.stand("/leader", "node-1");
      SqlClient.open(database, "other").stand("/leader", "node-2");
      database.execute("SELECT ${schema}.create('/app')");
      database.execute(
          "SELECT ${schema}.queue_create('mails'), ${schema}.queue_create('invoices')");
      database.execute("SELECT ${schema}.job_register('nightly', 'daily', clock_timestamp())");
      int shown = 0;
      Matcher block = BLOCK.matcher(Files.readString(Path.of("README.md")));
      while (block.find()) {
        Matcher statement = STATEMENT.matcher(block.group(1));
        while (statement.find()) {
          shown++;
          database.execute(
              statement
                  .group()
                  .replaceAll("\\bpgkeeper\\.", "\\${schema}.")
                  .replaceAll("end_session\\(\\d+", "end_session(" + client.session()));
        }
      }
      assertThat(shown).isGreaterThanOrEqualTo(SHOWN);
      assertThat(
              database.queryString(
                  "SELECT string_agg(what, ' ' ORDER BY number) FROM ${schema}.operations"))
          .isEqualTo(
              "break_lock end_session move_leadership pause_queue pause_job redrive_queue prune configure_history");
    }
  }
}
