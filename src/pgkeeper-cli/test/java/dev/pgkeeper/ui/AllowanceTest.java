package dev.pgkeeper.ui;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class AllowanceTest {
  private static final long SECOND = Duration.ofSeconds(1).toNanos();

  private final Allowance allowance = new Allowance(0);

  @Test
  void aSecondCanBeSpentBeforeItIsEarned() {
    allowance.spend(SECOND, 0);
    assertThat(allowance.rest()).isZero();
    allowance.spend(SECOND / 100, 0);
    assertThat(allowance.rest()).isEqualTo(2 * SECOND);
  }

  @Test
  void restingEarnsATwoHundredth() {
    allowance.spend(2 * SECOND, 0);
    assertThat(allowance.rest()).isEqualTo(200 * SECOND);
    allowance.spend(0, 150 * SECOND);
    assertThat(allowance.rest()).isEqualTo(50 * SECOND);
    allowance.spend(0, 150 * SECOND);
    assertThat(allowance.rest()).as("nothing is earned twice").isEqualTo(50 * SECOND);
  }

  @Test
  void whatIsNotUsedIsKeptUpToASecond() {
    allowance.spend(0, 1_000_000 * SECOND);
    allowance.spend(SECOND + SECOND / 200, 1_000_000 * SECOND);
    assertThat(allowance.rest()).isEqualTo(SECOND);
  }
}
