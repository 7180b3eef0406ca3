package dev.pgkeeper.heard;

import dev.pgkeeper.Keeper;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.ConcurrentModificationException;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** How much a client keeps in memory: the elements of all collections that it can be reached by. */
final class Kept {
  private final Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
  private final Deque<Object> next = new ArrayDeque<>();
  private long elements;

  /** What is large, by the field that has it. */
  private final Map<String, Integer> large = new TreeMap<>();

  private static final int LARGE = 20;

  private Kept() {}

  /** Where the most of it is, for people. */
  static String where(Keeper keeper) {
    return of(keeper).large.toString();
  }

  /** The number of the elements. */
  static long by(Keeper keeper) {
    return of(keeper).elements;
  }

  private static Kept of(Keeper keeper) {
    Kept kept = new Kept();
    kept.visit(keeper);
    for (Object one = kept.next.poll(); one != null; one = kept.next.poll()) {
      kept.lookInto(one);
    }
    return kept;
  }

  private void visit(@Nullable Object object) {
    if (object != null && seen.add(object)) {
      next.add(object);
    }
  }

  private void visit(Field field, @Nullable Object value) {
    int size =
        value instanceof Map<?, ?> map
            ? map.size()
            : value instanceof Collection<?> all ? all.size() : 0;
    if (size > LARGE) {
      large.merge(
          field.getDeclaringClass().getSimpleName() + "." + field.getName(), size, Integer::sum);
    }
    visit(value);
  }

  private void lookInto(Object object) {
    if (object instanceof Map<?, ?> map) {
      elements += map.size();
      settled(() -> new ArrayList<>(map.keySet())).forEach(this::visit);
      settled(() -> new ArrayList<>(map.values())).forEach(this::visit);
    } else if (object instanceof Collection<?> all) {
      elements += all.size();
      settled(() -> new ArrayList<>(all)).forEach(this::visit);
    } else if (object instanceof AtomicReference<?> reference) {
      visit(reference.get());
    } else if (object instanceof ThreadPoolExecutor threads) {
      visit(threads.getQueue());
    } else if (object.getClass().getName().startsWith("dev.pgkeeper.")
        && !object.getClass().isHidden()) {
      for (Class<?> type = object.getClass(); type != Object.class; type = type.getSuperclass()) {
        for (Field field : type.getDeclaredFields()) {
          if (!Modifier.isStatic(field.getModifiers()) && !field.getType().isPrimitive()) {
            visit(field, valueOf(field, object));
          }
        }
        if (type.getSuperclass() == null || !type.getSuperclass().getName().startsWith("dev.")) {
          return;
        }
      }
    }
  }

  /** The client goes on meanwhile: what it was just changing is copied once more. */
  private static List<?> settled(Supplier<List<?>> copy) {
    while (true) {
      try {
        return copy.get();
      } catch (ConcurrentModificationException e) {
        Thread.onSpinWait();
      }
    }
  }

  private static @Nullable Object valueOf(Field field, Object object) {
    try {
      field.setAccessible(true);
      return field.get(object);
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(field.toString(), e);
    }
  }
}
