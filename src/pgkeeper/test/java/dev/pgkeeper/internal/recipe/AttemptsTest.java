package dev.pgkeeper.internal.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperException.Code;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Which failures are told, without a database. */
class AttemptsTest {
  private final List<Throwable> told = new ArrayList<>();
  private final ErrorListeners errors = new ErrorListeners("test");
  private final Attempts attempts = new Attempts("test", errors);

  AttemptsTest() {
    var unused = errors.add(told::add);
  }

  /** Its recipe goes on in another session, and a call may learn of the end first. */
  @Test
  void thatTheSessionHasEndedIsNotTold() {
    attempts.report(KeeperException.of(Code.SESSION_EXPIRED, "/shards/elements/shard-7"));
    assertThat(told).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(
      value = Code.class,
      names = {"WRONG_RECIPE", "NO_CHILDREN_FOR_EPHEMERALS", "NODE_EXISTS"})
  void whatDoesNotPassByItselfIsTold(Code code) {
    KeeperException failure = KeeperException.of(code, "/a");
    attempts.report(failure);
    assertThat(told).containsExactly(failure);
  }
}
