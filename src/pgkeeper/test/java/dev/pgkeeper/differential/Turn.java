package dev.pgkeeper.differential;

/** What happens next. */
sealed interface Turn {

  void on(Lockstep lockstep);

  /** A client does a step. */
  record Perform(int client, Step step) implements Turn {
    @Override
    public void on(Lockstep lockstep) {
      lockstep.perform(client, step);
    }
  }

  /** A client changes a node, and a client reads it before anything came to rest. */
  record PerformThenRead(int writer, Step write, int reader, Step.Reading read) implements Turn {
    @Override
    public void on(Lockstep lockstep) {
      lockstep.performThenRead(writer, write, reader, read);
    }
  }

  /** A client closes its session and opens a new one. */
  record Replace(int client) implements Turn {
    @Override
    public void on(Lockstep lockstep) {
      lockstep.close(client);
      lockstep.open(client);
    }
  }
}
