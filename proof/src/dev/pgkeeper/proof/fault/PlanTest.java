package dev.pgkeeper.proof.fault;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.proof.fault.Fault.Place;
import dev.pgkeeper.proof.fault.Plan.Planned;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class PlanTest {
  private static final Duration TIME = Duration.ofMinutes(5);

  private static Plan plan(Place place, long seed) {
    return Plan.draw(place, TIME, 4, new Random(seed));
  }

  @Test
  void theSameSeedGivesTheSameFaults() {
    assertThat(plan(Place.CLIENT, 7)).isEqualTo(plan(Place.CLIENT, 7));
    assertThat(plan(Place.CLIENT, 7)).isNotEqualTo(plan(Place.CLIENT, 8));
  }

  @Test
  void everyKindComesOnceBeforeAnyComesAgain() {
    for (Place place : List.of(Place.CLIENT, Place.AROUND)) {
      List<Fault> kinds = Fault.at(place);
      assertThat(plan(place, 1).faults().stream().limit(kinds.size()).map(Planned::fault))
          .containsExactlyInAnyOrderElementsOf(kinds);
    }
  }

  @Test
  void whichKindComesFirstIsDrawn() {
    assertThat(
            LongStream.range(0, 20)
                .mapToObj(seed -> plan(Place.AROUND, seed).faults().get(0).fault())
                .distinct())
        .hasSizeGreaterThan(2);
  }

  @Test
  void aShortRunHasWhatTheScenariosName() {
    for (long seed = 0; seed < 50; seed++) {
      assertThat(Plan.draw(Place.AROUND, Duration.ofSeconds(35), 4, new Random(seed)).faults())
          .extracting(Planned::fault)
          .contains(Fault.REPLIES_LOST, Fault.SERVER_KILLED, Fault.ROWS_HELD);
      assertThat(Plan.draw(Place.CLIENT, Duration.ofSeconds(35), 4, new Random(seed)).faults())
          .extracting(Planned::fault)
          .contains(
              Fault.CLIENT_KILLED,
              Fault.CLIENT_STOPPED_FOR_LONG,
              Fault.POOL_EXHAUSTED,
              Fault.THREADS_BLOCKED);
    }
  }

  @Test
  void faultsOfAPlaceComeOneAfterTheOtherAndEndInTime() {
    Duration reached = Duration.ZERO;
    for (Planned fault : plan(Place.AROUND, 3).faults()) {
      assertThat(fault.at()).isGreaterThan(reached);
      reached = fault.end();
    }
    assertThat(reached).isBetween(TIME.minusSeconds(20), TIME);
  }

  @Test
  void calmerFaultsAreFewerAndStillEndInTime() {
    List<Planned> calm = Plan.draw(Place.AROUND, TIME, 4, 10, new Random(3)).faults();
    assertThat(calm).hasSizeLessThan(plan(Place.AROUND, 3).faults().size() / 2).isNotEmpty();
    assertThat(calm.get(0).at()).isGreaterThanOrEqualTo(Duration.ofSeconds(3));
    assertThat(calm.get(calm.size() - 1).end()).isLessThanOrEqualTo(TIME);
  }

  @Test
  void whoIsSparedIsNotKilledButMeetsEverythingElse() {
    List<Planned> faults = plan(Place.CLIENT, 5).sparing(Set.of(0, 3), 4).faults();
    assertThat(faults)
        .filteredOn(planned -> planned.fault() == Fault.CLIENT_KILLED)
        .extracting(Planned::client)
        .isNotEmpty()
        .doesNotContain(0, 3);
    assertThat(faults)
        .filteredOn(planned -> planned.fault() != Fault.CLIENT_KILLED)
        .extracting(Planned::client)
        .contains(0, 1, 2, 3);
  }

  @Test
  void everyClientIsMet() {
    assertThat(plan(Place.CLIENT, 5).faults()).extracting(Planned::client).contains(0, 1, 2, 3);
  }
}
