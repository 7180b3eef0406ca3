package dev.pgkeeper.differential;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ShrinkerTest {

  @Test
  void onlyWhatIsNeededToFailIsLeftInItsOrder() {
    List<Integer> failing = IntStream.range(0, 1_000).boxed().toList();
    assertThat(Shrinker.shrink(failing, list -> list.containsAll(List.of(37, 640, 641))))
        .containsExactly(37, 640, 641);
  }

  @Test
  void whatFailsOnlyAsAWholeStaysWhole() {
    List<Integer> failing = List.of(1, 2, 3);
    assertThat(Shrinker.shrink(failing, failing::equals)).isEqualTo(failing);
  }
}
