package dev.pgkeeper.internal.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.SessionState;
import dev.pgkeeper.internal.jdbc.SqlFunction;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What lives with a session does not suffer from what else lives with it. */
class SessionServicesTest {
  private static final Caller NOBODY =
      new Caller() {
        @Override
        public <T> T call(SqlFunction<T> query) {
          throw new UnsupportedOperationException();
        }
      };

  private final List<String> told = new ArrayList<>();
  private final SessionServices services = new SessionServices();

  /** Notes what it is asked for, and may fail at it. */
  private record Service(String name, boolean fails, List<String> told) implements SessionService {
    private void note(String what) {
      told.add(name + " " + what);
      if (fails) {
        throw new IllegalStateException(name + " fails");
      }
    }

    @Override
    public void rung(String payload) {
      note("rung");
    }

    @Override
    public boolean isBehind() {
      return true;
    }

    @Override
    public void look(Caller caller) {
      note("look");
    }

    @Override
    public void catchUp(Caller caller) {
      note("catchUp");
    }

    @Override
    public boolean isIdle() {
      return false;
    }

    @Override
    public void sweep(Caller caller) {
      note("sweep");
    }

    @Override
    public void returned(Caller caller) {
      note("returned");
    }

    @Override
    public void told(SessionState state) {
      note("told");
    }
  }

  @Test
  void whatFailsKeepsNothingFromTheOthers() {
    services.add(new Service("first", true, told));
    services.add(new Service("last", false, told));
    services.rung("x");
    assertThatThrownBy(() -> services.look(NOBODY)).hasMessage("first fails");
    assertThatThrownBy(() -> services.catchUp(NOBODY)).hasMessage("first fails");
    assertThatThrownBy(() -> services.sweep(NOBODY)).hasMessage("first fails");
    assertThatThrownBy(() -> services.returned(NOBODY)).hasMessage("first fails");
    assertThatThrownBy(() -> services.told(SessionState.LOST)).hasMessage("first fails");
    assertThat(told.stream().filter(line -> line.startsWith("last")))
        .containsExactly(
            "last rung", "last look", "last catchUp", "last sweep", "last returned", "last told");
  }
}
