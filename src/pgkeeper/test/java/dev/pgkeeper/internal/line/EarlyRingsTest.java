package dev.pgkeeper.internal.line;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Rings that are quicker than the replies to the joins that they are for. */
class EarlyRingsTest {
  private static final String KEYED = "/lock//7\n4711";

  private final EarlyRings rings = new EarlyRings();

  private void flood() {
    for (int i = 1000; i < 3000; i++) {
      rings.keep("/lock//" + i, "/lock//" + i);
    }
  }

  @Test
  void oneIsKeptForTheJoinThatIsUnderWay() {
    rings.keep("/lock//7", KEYED);
    long join = rings.begin(0);
    assertThat(rings.take("/lock//7", join)).as("nobody was joining").isNull();
    rings.keep("/lock//7", KEYED);
    assertThat(rings.take("/lock//7", join)).isEqualTo(KEYED);
    assertThat(rings.take("/lock//7", join)).as("it was taken").isNull();
  }

  @Test
  void whoseRingMayHaveBeenDroppedLooks() {
    long join = rings.begin(0);
    rings.keep("/lock//7", KEYED);
    flood();
    assertThat(rings.take("/lock//7", join)).isEqualTo("/lock//7");
    assertThat(rings.take("/lock//8", join)).isEqualTo("/lock//8");
  }

  @Test
  void afterAFloodJoinsNeedNotLook() {
    long before = rings.begin(0);
    flood();
    long after = rings.begin(0);
    rings.end(before);
    assertThat(rings.take("/lock//7", after)).isNull();
    assertThat(rings.take("/lock//2999", after)).as("it is for nobody any more").isNull();
  }
}
