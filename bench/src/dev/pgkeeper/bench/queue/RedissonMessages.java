package dev.pgkeeper.bench.queue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.redisson.Redisson;
import org.redisson.api.RBlockingQueue;
import org.redisson.api.RedissonClient;
import org.redisson.client.codec.ByteArrayCodec;
import org.redisson.config.Config;

/** Redisson's queue: a message is gone as soon as it is taken, and with the server. */
final class RedissonMessages implements Serving {
  private static final int LONGEST_BACKLOG = 1_000_000;
  private static final int FILL_BATCH = 1000;

  private final RedissonClient client;
  private final RBlockingQueue<byte[]> queue;
  private final List<ServingThread> serving = new ArrayList<>();

  RedissonMessages(String address, String name) {
    Config config = new Config();
    config.useSingleServer().setAddress(address);
    client = Redisson.create(config);
    queue = client.getBlockingQueue(name, ByteArrayCodec.INSTANCE);
  }

  @Override
  public void enqueue(List<byte[]> payloads) {
    if (payloads.size() == 1) {
      queue.add(payloads.get(0));
    } else {
      queue.addAll(payloads);
    }
  }

  @Override
  public Consumers consumers(int threads, int batch) {
    return new Consumers() {
      @Override
      public Consumer consumer() {
        return wait -> {
          if (batch > 1) {
            int found = queue.poll(batch).size();
            if (found > 0) {
              return found;
            }
          }
          return queue.poll(wait.toMillis(), TimeUnit.MILLISECONDS) == null ? 0 : 1;
        };
      }

      @Override
      public void close() {}
    };
  }

  @Override
  public void serve(Runnable handler) {
    serving.add(new ServingThread(queue::take, handler));
  }

  @Override
  public int longestBacklog() {
    return LONGEST_BACKLOG;
  }

  @Override
  public void fill(int count) {
    for (int from = 0; from < count; from += FILL_BATCH) {
      queue.addAll(Messages.payloads(Math.min(FILL_BATCH, count - from)));
    }
  }

  @Override
  public void clear() {
    queue.delete();
  }

  @Override
  public void close() throws InterruptedException {
    for (ServingThread each : serving) {
      each.close();
    }
    client.shutdown();
  }
}
