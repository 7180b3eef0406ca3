package dev.pgkeeper.proof.part;

import dev.pgkeeper.proof.Progress;
import dev.pgkeeper.proof.fault.Fault;
import dev.pgkeeper.proof.fault.Happened;
import dev.pgkeeper.scenario.Client;
import dev.pgkeeper.testing.Await;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Faults that come one after the other as a part tells them, and are written down. */
final class Script {
  private final Progress progress;
  private final List<Happened> happened = new ArrayList<>();

  /** Makes or ends a fault. */
  @FunctionalInterface
  interface Action {
    void take() throws Exception;
  }

  Script(Progress progress) {
    this.progress = progress;
  }

  /** Lets everybody work. */
  void work(Duration length) {
    Await.pause(length);
  }

  /** One that is over as soon as it is made. */
  void once(Fault fault, int client, String more, Action action) throws Exception {
    during(fault, client, more, Duration.ZERO, action, () -> {});
  }

  /** One that lasts so long. */
  void during(Fault fault, int client, String more, Duration length, Action begin, Action end)
      throws Exception {
    long from = Client.nowMicros();
    progress.say("  " + fault.text() + (more.isEmpty() ? "" : ": " + more));
    begin.take();
    Await.pause(length);
    end.take();
    happened.add(new Happened(fault, client, from, Client.nowMicros()));
  }

  List<Happened> happened() {
    return List.copyOf(happened);
  }
}
