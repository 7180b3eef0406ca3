package dev.pgkeeper.bench.ways;

import dev.pgkeeper.Codec;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.bench.Worker;
import dev.pgkeeper.queue.MessageQueue;
import dev.pgkeeper.queue.Outgoing;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.Op;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.IntStream;

/**
 * What the two clients do. Whatever it makes it takes away again, so that each round finds the
 * same.
 */
enum Work {
  GET("get") {
    @Override
    Worker.Call step(Keeper keeper, int thread) {
      return () -> keeper.tree().get(NODES + "/" + ThreadLocalRandom.current().nextInt(MANY));
    }
  },

  CHILDREN("children") {
    @Override
    Worker.Call step(Keeper keeper, int thread) {
      return () -> keeper.tree().children(NODES);
    }
  },

  SET("set") {
    @Override
    Worker.Call step(Keeper keeper, int thread) {
      return () -> keeper.tree().set(NODES + "/" + ThreadLocalRandom.current().nextInt(MANY), DATA);
    }
  },

  EPHEMERAL("ephemeral") {
    @Override
    Worker.Call step(Keeper keeper, int thread) {
      String path = "/ephemeral-" + thread;
      return () -> {
        keeper.tree().create(path, DATA, CreateMode.EPHEMERAL);
        keeper.tree().delete(path);
      };
    }
  },

  LOCK("lock") {
    @Override
    Worker.Call step(Keeper keeper, int thread) {
      return () -> keeper.lock("/lock-" + thread).acquire().close();
    }
  },

  ONE_LOCK("lock.one") {
    @Override
    Worker.Call step(Keeper keeper, int thread) {
      return () -> keeper.lock("/lock").acquire().close();
    }
  },

  EMPTY_TAKE("take.empty") {
    @Override
    Worker.Call step(Keeper keeper, int thread) {
      return messages(keeper, thread)::take;
    }
  },

  MESSAGE("message") {
    @Override
    Worker.Call step(Keeper keeper, int thread) {
      MessageQueue<byte[]> queue = messages(keeper, thread);
      return () -> {
        queue.enqueue(DATA);
        queue.take().orElseThrow().ack();
      };
    }
  },

  KEYED_MESSAGE("message.keyed") {
    @Override
    Worker.Call step(Keeper keeper, int thread) {
      MessageQueue<byte[]> queue = messages(keeper, thread);
      return () -> {
        queue.enqueue(Outgoing.of(DATA).key("key"));
        queue.take().orElseThrow().ack();
      };
    }
  };

  private static final String NODES = "/nodes";
  private static final int MANY = 1000;
  private static final byte[] DATA = new byte[100];

  private final String caseName;

  Work(String caseName) {
    this.caseName = caseName;
  }

  String caseName() {
    return caseName;
  }

  /** What this thread does again and again. */
  abstract Worker.Call step(Keeper keeper, int thread);

  /** Creates the nodes that some of the works use. */
  static void prepare(Keeper keeper) {
    keeper.tree().create(NODES, DATA);
    List<Op> all =
        IntStream.range(0, MANY).<Op>mapToObj(i -> Op.create(NODES + "/" + i, DATA)).toList();
    keeper.tree().multi(all);
  }

  /** A queue of the thread's own: what it takes is what it has enqueued. */
  private static MessageQueue<byte[]> messages(Keeper keeper, int thread) {
    return keeper.queue("messages-" + thread, Codec.bytes());
  }
}
