package dev.pgkeeper.bench.queue;

import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Suite;
import java.util.List;

/** Queues: how fast, how soon, how many may wait, and what disturbs them. */
public final class QueueSuite implements Suite {
  @Override
  public String name() {
    return "queue";
  }

  @Override
  public List<Case> cases() {
    return List.of(
        new EnqueueCase(1),
        new EnqueueCase(100),
        new ConsumeCase(1),
        new ConsumeCase(100),
        new HandlerCase(),
        new SizeCase(),
        new KeysCase(1),
        new KeysCase(100),
        new SnapshotCase(),
        new IdleCase());
  }
}
