package dev.pgkeeper.cli.top;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.cli.output.Style;
import java.time.LocalTime;
import java.util.List;
import org.junit.jupiter.api.Test;

class FrameTest {
  @Test
  void whatIsWrongIsOneHarmlessLine() {
    String why = "lost: \u001b[2J\u009b31m\u202egnp\npgkeeper: forged";
    List<String> lines =
        new Frame(Style.PLAIN, 80, 8)
            .lines(new Snapshot(LocalTime.of(8, 18), List.of()), "db:5432/app", null, why);
    assertThat(lines).contains("lost: \\u001b[2J\\u009b31m\\u202egnp\\npgkeeper: forged");
  }
}
