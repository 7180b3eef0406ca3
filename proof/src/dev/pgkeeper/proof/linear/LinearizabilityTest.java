package dev.pgkeeper.proof.linear;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.proof.linear.MutexModel.Use;
import dev.pgkeeper.proof.linear.RegisterModel.Access;
import dev.pgkeeper.proof.linear.RegisterModel.Answer;
import dev.pgkeeper.proof.linear.RegisterModel.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LinearizabilityTest {
  private static final int RANDOM_HISTORIES = 20_000;

  private static Call<Use> taken(long invoked, long completed, long token) {
    return new Call<>(invoked, completed, new Use(true, token));
  }

  private static Call<Use> given(long invoked, long completed, long token) {
    return new Call<>(invoked, completed, new Use(false, token));
  }

  @SafeVarargs
  @SuppressWarnings("varargs")
  private static boolean isMutex(Call<Use>... calls) {
    return Linearizability.violation(new MutexModel(), List.of(calls)) == null;
  }

  private static Call<Access> create(long invoked, long completed, String value) {
    return changed(invoked, completed, Kind.CREATE, value, 0, 0);
  }

  private static Call<Access> write(long invoked, long completed, String value, long version) {
    return changed(invoked, completed, Kind.WRITE, value, 0, version);
  }

  private static Call<Access> compared(
      long invoked, long completed, String value, long expected, boolean done) {
    Answer answer = new Answer(done, null, expected + 1);
    return new Call<>(
        invoked, completed, new Access(Kind.COMPARE_AND_SET, value, expected, answer));
  }

  private static Call<Access> changed(
      long invoked, long completed, Kind kind, String value, long expected, long version) {
    return new Call<>(
        invoked, completed, new Access(kind, value, expected, new Answer(true, null, version)));
  }

  private static Call<Access> read(long invoked, long completed, String value, long version) {
    return new Call<>(
        invoked, completed, new Access(Kind.READ, null, 0, new Answer(true, value, version)));
  }

  private static Call<Access> absent(long invoked, long completed) {
    return new Call<>(
        invoked, completed, new Access(Kind.READ, null, 0, new Answer(false, null, 0)));
  }

  private static Call<Access> unknown(long invoked, Kind kind, String value, long expected) {
    return new Call<>(invoked, Call.NEVER, new Access(kind, value, expected, null));
  }

  @SafeVarargs
  @SuppressWarnings("varargs")
  private static boolean isRegister(Call<Access>... calls) {
    return Linearizability.violation(new RegisterModel(), List.of(calls)) == null;
  }

  @Test
  void whatWasDoneOneAfterTheOtherIsRight() {
    assertThat(isMutex()).isTrue();
    assertThat(isMutex(taken(1, 2, 7), given(3, 4, 7), taken(5, 6, 8))).isTrue();
    assertThat(isRegister(create(1, 2, "a"), write(3, 4, "b", 1), read(5, 6, "b", 1))).isTrue();
  }

  @Test
  void callsThatOverlapMayHaveBeenDoneInAnyOrder() {
    assertThat(isMutex(taken(1, 10, 8), taken(2, 3, 7), given(4, 5, 7))).isTrue();
    assertThat(isRegister(create(1, 10, "a"), absent(2, 3), read(4, 11, "a", 0))).isTrue();
    assertThat(isRegister(create(1, 2, "a"), write(3, 9, "b", 1), read(4, 5, "b", 1))).isTrue();
  }

  @Test
  void whatHappenedAtOneTickMayHaveBeenInAnyOrder() {
    assertThat(isMutex(taken(1, 2, 7), given(3, 5, 7), taken(4, 5, 8))).isTrue();
    assertThat(isMutex(taken(5, 5, 8), given(5, 5, 7), taken(5, 5, 7))).isTrue();
  }

  @Test
  void twoHoldersAreFound() {
    assertThat(isMutex(taken(1, 2, 7), taken(3, 4, 8))).isFalse();
    assertThat(isMutex(taken(1, 2, 7), taken(3, 4, 8), given(5, 6, 7), given(7, 8, 8))).isFalse();
  }

  @Test
  void aHoldThatIsGivenBackByNobodyOrTwiceIsFound() {
    assertThat(isMutex(given(1, 2, 7))).isFalse();
    assertThat(isMutex(taken(1, 2, 7), given(3, 4, 7), given(5, 6, 7))).isFalse();
  }

  @Test
  void anEndThatNobodyKnowsOfMayHaveComeAtAnyTimeOrNotAtAll() {
    assertThat(isMutex(taken(1, 2, 7), given(2, Call.NEVER, 7))).isTrue();
    assertThat(isMutex(taken(1, 2, 7), given(2, Call.NEVER, 7), taken(5, 6, 8))).isTrue();
    // It was still believed in when the next one had it already.
    assertThat(isMutex(taken(1, 2, 7), given(7, Call.NEVER, 7), taken(5, 6, 8))).isFalse();
  }

  @Test
  void aReadOfWhatIsOverOrNotYetThereIsFound() {
    assertThat(isRegister(create(1, 2, "a"), write(3, 4, "b", 1), read(5, 6, "a", 0))).isFalse();
    assertThat(isRegister(create(1, 2, "a"), read(3, 4, "b", 1), write(5, 6, "b", 1))).isFalse();
    assertThat(isRegister(create(1, 2, "a"), absent(3, 4))).isFalse();
  }

  @Test
  void aVersionThatCannotBeIsFound() {
    assertThat(isRegister(create(1, 2, "a"), read(3, 4, "a", 1))).isFalse();
    assertThat(isRegister(create(1, 2, "a"), write(3, 4, "b", 2))).isFalse();
  }

  @Test
  void aSecondCreationIsFound() {
    assertThat(isRegister(create(1, 2, "a"), create(3, 4, "b"))).isFalse();
  }

  @Test
  void aLostChangeIsFound() {
    assertThat(
            isRegister(
                create(1, 2, "a"), compared(3, 8, "b", 0, true), compared(4, 9, "c", 0, true)))
        .isFalse();
    assertThat(
            isRegister(
                create(1, 2, "a"), compared(3, 8, "b", 0, true), compared(4, 9, "c", 0, false)))
        .isTrue();
  }

  @Test
  void aRefusalWithoutAReasonIsFound() {
    assertThat(isRegister(create(1, 2, "a"), compared(3, 4, "b", 0, false))).isFalse();
  }

  @Test
  void aChangeThatNobodyKnowsOfMayBeSeenOrNotButNotUndone() {
    Call<Access> lost = unknown(3, Kind.WRITE, "b", 0);
    assertThat(isRegister(create(1, 2, "a"), lost, read(5, 6, "a", 0))).isTrue();
    assertThat(isRegister(create(1, 2, "a"), lost, read(5, 6, "b", 1))).isTrue();
    assertThat(isRegister(create(1, 2, "a"), lost, read(5, 6, "a", 0), read(7, 8, "b", 1)))
        .isTrue();
    assertThat(isRegister(create(1, 2, "a"), lost, read(5, 6, "b", 1), read(7, 8, "a", 0)))
        .isFalse();
    assertThat(isRegister(create(1, 2, "a"), unknown(3, Kind.CREATE, "b", 0), read(5, 6, "b", 1)))
        .isFalse();
    // Nor need it be possible.
    assertThat(isRegister(create(1, 2, "a"), unknown(3, Kind.COMPARE_AND_SET, "b", 9))).isTrue();
    // Nor before it was asked for.
    assertThat(isRegister(create(1, 2, "a"), read(2, 2, "b", 1), lost)).isFalse();
  }

  @Test
  void theViolationNamesTheFirstAnswerThatNothingExplains() {
    assertThat(
            Linearizability.violation(
                new RegisterModel(),
                List.of(
                    create(1, 2, "a"),
                    read(3, 4, "a", 0),
                    read(5, 6, "wrong", 0),
                    read(7, 8, "a", 0))))
        .contains("value=wrong")
        .contains("completed=6");
  }

  @Test
  void onSmallHistoriesItSaysWhatTryingAllOrdersSays() {
    Random random = new Random(4711);
    int right = 0;
    for (int i = 0; i < RANDOM_HISTORIES; i++) {
      List<Call<Access>> calls = randomCalls(random);
      boolean isRight = Linearizability.violation(new RegisterModel(), calls) == null;
      assertThat(isRight)
          .as(() -> calls.toString())
          .isEqualTo(AllOrders.explain(new RegisterModel(), calls));
      right += isRight ? 1 : 0;
    }
    // Neither answer is rare.
    assertThat(right).isBetween(RANDOM_HISTORIES / 20, RANDOM_HISTORIES * 19 / 20);
  }

  @Test
  void aLongHistoryOfAFewAtATimeIsJudgedInAMoment() {
    List<Call<Access>> calls = new ArrayList<>(List.of(create(0, 1, "v0")));
    for (int i = 1; i < 100_000; i++) {
      calls.add(write(10L * i, 10L * i + 25, "v" + i, i));
    }
    calls.add(read(2_000_000, 2_000_001, "v99999", 99_999));
    assertThat(Linearizability.violation(new RegisterModel(), calls)).isNull();
  }

  /** Some that were done in some order, with answers of which one may be wrong. */
  private static List<Call<Access>> randomCalls(Random random) {
    RegisterModel model = new RegisterModel();
    RegisterModel.Register state = model.initial();
    List<Call<Access>> calls = new ArrayList<>();
    int number = 2 + random.nextInt(5);
    for (int i = 0; i < number; i++) {
      Kind kind = Kind.values()[i == 0 ? 0 : random.nextInt(4)];
      String value = kind == Kind.READ ? null : "v" + random.nextInt(3);
      long expected = random.nextInt(3);
      Access asked = new Access(kind, value, expected, null);
      RegisterModel.Register after = model.after(state, asked);
      boolean done = after != null;
      if (done) {
        state = after;
      }
      String readValue = kind == Kind.READ && done ? state.value() : null;
      Answer answer = new Answer(done, readValue, done ? state.version() : 0);
      if (random.nextInt(number * 2) == 0) {
        answer = new Answer(!done, "v" + random.nextInt(3), random.nextInt(3));
      }
      long invoked = 10L * i - random.nextInt(25);
      boolean isLost = random.nextInt(6) == 0;
      calls.add(
          new Call<>(
              invoked,
              isLost ? Call.NEVER : 10L * i + random.nextInt(25),
              new Access(kind, value, expected, isLost ? null : answer)));
    }
    return calls;
  }
}
