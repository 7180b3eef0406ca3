package dev.pgkeeper.heard;

import dev.pgkeeper.Keeper;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** How much a client keeps in memory: the elements of all collections that it can be reached by. */
final class Kept {
  private final Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
  private final Deque<Object> next = new ArrayDeque<>();
  private long elements;

  private Kept() {}

  /** The number of the elements. */
  static long by(Keeper keeper) {
    Kept kept = new Kept();
    kept.visit(keeper);
    for (Object one = kept.next.poll(); one != null; one = kept.next.poll()) {
      kept.lookInto(one);
    }
    return kept.elements;
  }

  private void visit(@Nullable Object object) {
    if (object != null && seen.add(object)) {
      next.add(object);
    }
  }

  private void lookInto(Object object) {
    if (object instanceof Map<?, ?> map) {
      elements += map.size();
      map.forEach(
          (key, value) -> {
            visit(key);
            visit(value);
          });
    } else if (object instanceof Collection<?> all) {
      elements += all.size();
      all.forEach(this::visit);
    } else if (object instanceof AtomicReference<?> reference) {
      visit(reference.get());
    } else if (object instanceof ThreadPoolExecutor threads) {
      visit(threads.getQueue());
    } else if (object.getClass().getName().startsWith("dev.pgkeeper.")
        && !object.getClass().isHidden()) {
      for (Class<?> type = object.getClass(); type != Object.class; type = type.getSuperclass()) {
        for (Field field : type.getDeclaredFields()) {
          if (!Modifier.isStatic(field.getModifiers()) && !field.getType().isPrimitive()) {
            visit(valueOf(field, object));
          }
        }
        if (type.getSuperclass() == null || !type.getSuperclass().getName().startsWith("dev.")) {
          return;
        }
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
