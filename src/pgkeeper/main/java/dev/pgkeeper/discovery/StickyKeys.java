package dev.pgkeeper.discovery;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Remembers what each key got last, for the keys that were asked for most recently: at least this
 * many, and never more than twice as many.
 */
final class StickyKeys<T> {
  private final int generation;
  private final ReentrantLock aging = new ReentrantLock();
  private volatile Map<String, T> young = new ConcurrentHashMap<>();
  private volatile Map<String, T> old = new ConcurrentHashMap<>();

  StickyKeys(int generation) {
    this.generation = generation;
  }

  @Nullable T get(String key) {
    T value = young.get(key);
    if (value == null) {
      value = old.get(key);
      if (value != null) {
        put(key, value);
      }
    }
    return value;
  }

  void put(String key, T value) {
    young.put(key, value);
    if (young.size() >= generation) {
      age();
    }
  }

  private void age() {
    aging.lock();
    try {
      if (young.size() >= generation) {
        old = young;
        young = new ConcurrentHashMap<>();
      }
    } finally {
      aging.unlock();
    }
  }
}
