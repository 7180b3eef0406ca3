package dev.pgkeeper.proof.check;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.proof.fault.Fault;
import dev.pgkeeper.proof.fault.Fleet.Life;
import dev.pgkeeper.proof.fault.Happened;
import dev.pgkeeper.proof.history.History;
import dev.pgkeeper.proof.history.History.Account;
import dev.pgkeeper.scenario.GrantLog.Contest;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** What the checks say of histories that are known to be good or bad. */
class ChecksTest {
  private final List<Contest> contests = new ArrayList<>();
  private final List<Happened> faults = new ArrayList<>();
  private final List<Life> lives = new ArrayList<>();
  private final NavigableMap<Long, Double> slowness = new TreeMap<>();

  private Evidence evidence(String... lines) {
    return new Evidence(
        TestDatabase.unmigrated(),
        History.of(List.of(new Account("a", List.of(lines)))),
        contests,
        List.of(),
        0,
        faults,
        lives,
        100_000_000,
        slowness);
  }

  private static String call(int number, String what) {
    return "call " + number + " " + what;
  }

  private static String ok(int number, String result, long at) {
    return "answer " + number + " ok " + result + " " + at;
  }

  @Test
  void numbersThatGrowAreRightAndThoseThatShrinkOrRepeatAreFound() {
    assertThat(numbers("5", "6")).isEmpty();
    assertThat(numbers("6", "5")).hasSize(1);
    assertThat(numbers("5", "5")).hasSize(2);
  }

  /** Two numbers, the second asked for after the first was answered. */
  private List<String> numbers(String first, String second) {
    return SequenceCheck.examine(
            evidence(
                call(1, "number /p  10"),
                ok(1, first, 11),
                call(2, "number /p  12"),
                ok(2, second, 13)))
        .violations();
  }

  @Test
  void numbersThatWereAskedForAtOneTimeMayComeInAnyOrder() {
    assertThat(
            SequenceCheck.examine(
                    evidence(
                        call(1, "number /p  10"),
                        call(2, "number /p  12"),
                        ok(1, "6", 13),
                        ok(2, "5", 14)))
                .violations())
        .isEmpty();
  }

  @Test
  void aNumberThatIsTakenIsFound() {
    assertThat(
            SequenceCheck.examine(
                    evidence(call(1, "number /p  10"), "answer 1 failed NODE_EXISTS 11"))
                .violations())
        .hasSize(1);
  }

  @Test
  void aRegisterMayHaveWhatNobodyKnowsOfAndNotWhatWasNotAsked() {
    String create = call(1, "create /r a 10");
    String read = call(3, "read /r  20");
    String seen = ok(3, "b@1", 21);
    assertThat(registers(create, ok(1, "0", 11), call(2, "write /r b 12"), read, seen)).isEmpty();
    assertThat(
            registers(
                create,
                ok(1, "0", 11),
                call(2, "write /r b 12"),
                "answer 2 failed CONNECTION_LOSS 13",
                read,
                seen))
        .hasSize(1);
    assertThat(registers(create, ok(1, "0", 11), read, seen)).hasSize(1);
    assertThat(
            registers(
                create,
                ok(1, "0", 11),
                call(2, "write /r b 12"),
                "answer 2 failed CONNECTION_LOSS 13",
                read,
                ok(3, "a@0", 21)))
        .isEmpty();
  }

  private List<String> registers(String... lines) {
    return RegisterCheck.examine(evidence(lines)).violations();
  }

  @Test
  void aHoldThatWasToldAndNeverGrantedIsFoundUnlessACrashTookItBack() {
    contests.add(new Contest("/l", 7, 1, 10, 0, 30));
    Evidence told = evidence("got /l 10 12 7", "gave /l 7 40 41 39");
    assertThat(BeliefCheck.examine(told).violations()).hasSize(1);
    faults.add(new Happened(Fault.SERVER_STOPPED_FAST, -1, 20, 25));
    assertThat(BeliefCheck.examine(told).violations()).hasSize(1);
    faults.add(new Happened(Fault.SERVER_KILLED, -1, 20, 25));
    assertThat(BeliefCheck.examine(told).violations()).isEmpty();
  }

  @Test
  void twoHoldersOfALockAreFoundUnlessTheFirstOneStoppedBelieving() {
    String first = "got /l 10 12 7";
    String second = "got /l 14 15 8";
    assertThat(mutex(first, "gave /l 7 13 16 12", second)).isEmpty();
    assertThat(mutex(first, "gave /l 7 20 21 19", second)).hasSize(1);
    assertThat(mutex(first, "gave /l 7 20 21 19", "got /m 14 15 8")).isEmpty();
    assertThat(mutex(first, "lost /l 7 13", second)).isEmpty();
    assertThat(mutex(first, "lost /l 7 16", second)).hasSize(1);
    assertThat(mutex(first, second)).as("its client was killed").isEmpty();
  }

  private List<String> mutex(String... lines) {
    return MutexCheck.examine(evidence(lines)).violations();
  }

  @Test
  void whoIsSilentWhileNothingIsWrongIsFound() {
    lives.add(new Life("a", 0, 0, Long.MAX_VALUE));
    assertThat(silences(1_000_000, 99_000_000)).hasSize(1);
    faults.add(new Happened(Fault.SERVER_KILLED, -1, 2_000_000, 95_000_000));
    assertThat(silences(1_000_000, 99_000_000)).isEmpty();
    faults.set(0, new Happened(Fault.CLIENT_STOPPED_FOR_LONG, 1, 2_000_000, 95_000_000));
    assertThat(silences(1_000_000, 99_000_000)).as("it was another one").hasSize(1);
  }

  @Test
  void timeOfASlowMachineCountsForAsMuchLess() {
    lives.add(new Life("a", 0, 0, Long.MAX_VALUE));
    slowness.put(50_000_000L, 1.0);
    slowness.put(100_000_000L, 4.0);
    assertThat(silences(1_000_000, 10_000_000, 30_000_000, 50_000_000)).isEmpty();
    assertThat(silences(1_000_000, 10_000_000, 31_000_000, 50_000_000)).hasSize(1);
    slowness.put(100_000_000L, 2.0);
    assertThat(silences(1_000_000, 10_000_000, 30_000_000, 50_000_000)).hasSize(1);
  }

  private List<String> silences(long... successes) {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < successes.length; i++) {
      lines.add(call(i, "write /r v 0"));
      lines.add(ok(i, "0", successes[i]));
    }
    return RecoveryCheck.examine(evidence(lines.toArray(String[]::new)), Duration.ofSeconds(20))
        .violations();
  }

  @Test
  void aTokenThatComesTwiceOrShrinksAfterThePromotionIsFound() throws Exception {
    faults.add(new Happened(Fault.PRIMARY_LOST, -1, 20, 25));
    Evidence right = evidence("got /l 10 12 7", "got /l 30 31 8");
    Evidence twice = evidence("got /l 10 12 7", "got /l 30 31 7");
    List<Check> checks = LossChecks.all(Duration.ofSeconds(20)).subList(0, 2);
    for (Check check : checks) {
      assertThat(check.examiner().examine(right).violations()).as(check.promise()).isEmpty();
      assertThat(check.examiner().examine(twice).violations()).as(check.promise()).hasSize(1);
    }
  }

  @Test
  void aLostHoldThatIsGivenBackAfterThePromotionIsFound() {
    faults.add(new Happened(Fault.PRIMARY_LOST, -1, 20, 25));
    assertThat(told("lost /l 7 26")).isEmpty();
    assertThat(told("gave /l 7 14 15 13")).isEmpty();
    assertThat(told("gave /l 7 30 31 29")).hasSize(1);
  }

  private List<String> told(String end) throws AssertionError {
    Check told = LossChecks.all(Duration.ofSeconds(20)).get(2);
    try {
      return told.examiner().examine(evidence("got /l 10 12 7", end)).violations();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void aLockThatNobodyHasAfterThePromotionIsFound() throws Exception {
    faults.add(new Happened(Fault.RESTORED, -1, 20, 25));
    Check hadAgain = LossChecks.all(Duration.ofSeconds(20)).get(3);
    Evidence right =
        evidence("got /l 10 12 7", "got /m 10 13 8", "got /l 30 31 9", "got /m 5 32 10");
    assertThat(hadAgain.examiner().examine(right).violations()).isEmpty();
    Evidence stuck = evidence("got /l 10 12 7", "got /m 10 13 8", "got /l 30 31 9");
    assertThat(hadAgain.examiner().examine(stuck).violations()).hasSize(1);
  }

  @Test
  void aCheckThatLookedAtNothingHasNotPassedAndAControlHasToFindSomething() {
    assertThat(verdict(0, false).isPassed()).isFalse();
    assertThat(verdict(1, false).isPassed()).isTrue();
    assertThat(verdict(1, false, "wrong").isPassed()).isFalse();
    assertThat(verdict(1, true).isPassed()).isFalse();
    assertThat(verdict(1, true, "wrong").isPassed()).isTrue();
  }

  private static Verdict verdict(int examined, boolean isControl, String... violations) {
    return new Verdict(
        "part",
        "promise",
        List.of(1),
        new Finding(examined, "things", List.of(violations)),
        isControl);
  }
}
