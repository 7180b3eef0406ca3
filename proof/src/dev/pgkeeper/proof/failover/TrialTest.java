package dev.pgkeeper.proof.failover;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** What is said of owners that are known to have followed one another rightly or wrongly. */
class TrialTest {
  private static final long STRUCK = 1_000_000;
  private static final long ACTED = 3_500_000;

  private static Trial cut(long nextToken, long lost, boolean fence, boolean former) {
    return new Trial(Way.CUT, STRUCK, ACTED, 7, nextToken, ACTED, lost, fence, former);
  }

  @Test
  void aNextOneWithAGreaterTokenAndAFormerOneThatIsRefusedAreRight() {
    assertThat(cut(8, ACTED - 1, true, true).violations()).isEmpty();
  }

  @Test
  void aTokenThatDoesNotGrowIsFound() {
    assertThat(cut(7, ACTED - 1, true, true).violations()).hasSize(1);
  }

  @Test
  void aFenceThatTheFormerTokenPassesIsFound() {
    assertThat(cut(8, ACTED - 1, false, true).violations()).hasSize(1);
  }

  @Test
  void aFormerOwnerThatStillActsIsFound() {
    assertThat(cut(8, ACTED - 1, true, false).violations()).hasSize(1);
  }

  @Test
  void aFormerOwnerThatStillBelievesIsFound() {
    assertThat(cut(8, ACTED + 1, true, true).violations()).hasSize(1);
  }

  @Test
  void anOwnerThatGoesOnHasToActFirst() {
    assertThat(restarted(ACTED + 1).violations()).isEmpty();
    assertThat(restarted(ACTED - 1).violations()).hasSize(1);
  }

  private static Trial restarted(long nextActed) {
    return new Trial(Way.SERVER_RESTARTED, STRUCK, ACTED, 7, 8, nextActed, null, true, null);
  }

  @Test
  void theTableTellsMedianAndWorstAndWhatIsWrong() {
    Trial slow = new Trial(Way.KILLED, 0, 9_000_000, 7, 8, 9_000_000, null, true, null);
    Trial quick = new Trial(Way.KILLED, 0, 2_000_000, 7, 8, 2_000_000, null, true, null);
    assertThat(FailoverTable.markdown(List.of(slow, quick, quick)))
        .contains("| 3     | 2.0      | 9.0     | refused");
    assertThat(FailoverTable.markdown(List.of(cut(7, ACTED, true, true)))).contains("VIOLATED");
  }
}
