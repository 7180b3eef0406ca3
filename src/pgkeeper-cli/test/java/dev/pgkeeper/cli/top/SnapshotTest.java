package dev.pgkeeper.cli.top;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.LocalTime;
import java.util.List;
import org.junit.jupiter.api.Test;

class SnapshotTest {
  @Test
  void itsClockHasSecondsInFullMinutesToo() {
    assertThat(new Snapshot(LocalTime.of(8, 18), List.of()).clock()).isEqualTo("08:18:00");
    assertThat(new Snapshot(LocalTime.of(23, 5, 9, 999_999_999), List.of()).clock())
        .isEqualTo("23:05:09");
  }
}
