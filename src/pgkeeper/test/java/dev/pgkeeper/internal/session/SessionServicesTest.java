package dev.pgkeeper.internal.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.SessionState;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class SessionServicesTest {
  private static SessionService hearing(Consumer<String> heard) {
    return new SessionService() {
      @Override
      public void rung(String payload) {
        heard.accept(payload);
      }

      @Override
      public boolean isIdle() {
        return true;
      }

      @Override
      public void sweep(Caller caller) {}

      @Override
      public void returned(Caller caller) {}

      @Override
      public void told(SessionState state) {}
    };
  }

  @Test
  void oneThatFailsSilencesNoOther() {
    List<String> heard = new ArrayList<>();
    SessionServices services = new SessionServices();
    services.add(
        hearing(
            payload -> {
              throw new IllegalStateException("it does not understand " + payload);
            }));
    services.add(hearing(heard::add));
    services.rung("one");
    services.rung("two");
    assertThat(heard).containsExactly("one", "two");
  }
}
