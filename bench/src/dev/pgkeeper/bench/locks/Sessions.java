package dev.pgkeeper.bench.locks;

import dev.pgkeeper.bench.Workload;
import java.util.ArrayList;
import java.util.List;

/** Threads that work on one lock, each as a client of its own. */
abstract class Sessions implements Workload {
  private final String subject;
  private final String address;
  private final List<Locks> clients = new ArrayList<>();

  /** Starts the subject's server if need be. */
  Sessions(Subjects subjects, String subject) throws Exception {
    this.subject = subject;
    this.address = subjects.address(subject);
  }

  /** The lock, through a client of the caller's own, which is closed at the end. */
  final Locks.NamedLock connect(String name) throws Exception {
    Locks client = Subjects.connect(subject, address);
    clients.add(client);
    return client.named(name);
  }

  @Override
  public final void close() throws Exception {
    for (Locks client : clients) {
      client.close();
    }
  }
}
