package dev.pgkeeper.bench.locks;

import org.redisson.Redisson;
import org.redisson.api.RLock;
import org.redisson.api.RedissonClient;
import org.redisson.config.Config;

/**
 * Redisson's lock or its fair lock with default settings: a lock lasts for 30 s, and its owner's
 * client prolongs it while it lives.
 */
final class RedissonLocks implements Locks {
  private final RedissonClient client;
  private final boolean fair;

  RedissonLocks(String address, boolean fair) {
    Config config = new Config();
    config.useSingleServer().setAddress(address);
    this.client = Redisson.create(config);
    this.fair = fair;
  }

  @Override
  public NamedLock named(String name) {
    RLock lock = fair ? client.getFairLock("fair-" + name) : client.getLock("plain-" + name);
    return new NamedLock() {
      @Override
      public void acquire() throws InterruptedException {
        lock.lockInterruptibly();
      }

      @Override
      public void release() {
        lock.unlock();
      }
    };
  }

  @Override
  public void close() {
    client.shutdown();
  }
}
