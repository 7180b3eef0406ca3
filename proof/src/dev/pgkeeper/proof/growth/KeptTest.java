package dev.pgkeeper.proof.growth;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.testing.TestDatabase;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Which rows count as kept, of those that the library makes. */
class KeptTest {
  private TestDatabase database;

  @BeforeEach
  void open() {
    database = TestDatabase.fresh();
  }

  @AfterEach
  void drop() {
    database.close();
  }

  private long counted(Kept kept) {
    return database.queryLong(kept.query());
  }

  @Test
  void repliesAreKeptOnceTheirSessionIsOver() {
    try (Keeper keeper = database.keeper()) {
      keeper.tree().create("/node", new byte[0]);
      assertThat(counted(Kept.REPLY)).isZero();
    }
    assertThat(counted(Kept.REPLY))
        .isPositive()
        .isEqualTo(database.queryLong("SELECT count(*) FROM ${schema}.reply"));
  }

  @Test
  void talliesAreKeptForADay() {
    database.execute(
        "INSERT INTO ${schema}.queue_tally SELECT 1, clock_timestamp() - hours * interval '1 hour', 0, 0, 0, 0, 0"
            + " FROM unnest(ARRAY[1, 23, 25, 48, 72]) AS hours");
    assertThat(counted(Kept.QUEUE_TALLY)).isEqualTo(2);
  }

  @Test
  void runsAreKeptOnceTheyAreOver() {
    database.execute(
        "INSERT INTO ${schema}.job_run (job, tick, kind, state, attempt, token, ended)"
            + " VALUES ('job', '1', 'o', 'done', 1, 1, clock_timestamp()),"
            + " ('job', '2', 'o', 'failed', 2, 2, clock_timestamp()), ('job', '3', 'o', 'running', 1, 3, NULL)");
    assertThat(counted(Kept.JOB_RUN)).isEqualTo(2);
  }

  @Test
  void ofWhatIsKeptOnlyItsRowsAndTheSizeOfTheirTableMayGrow() {
    assertThat(isKept("job_run", Measure.KEPT_ROWS)).isTrue();
    assertThat(isKept("job_run", Measure.SIZE)).isTrue();
    assertThat(isKept("job_run", Measure.ROWS)).isFalse();
    assertThat(isKept("job_run", Measure.DEAD_ROWS)).isFalse();
    assertThat(isKept("node", Measure.SIZE)).isFalse();
  }

  private static boolean isKept(String table, Measure measure) {
    return Kept.isOf(new Series(table, measure, true, List.of()));
  }
}
