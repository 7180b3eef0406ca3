package dev.pgkeeper.internal.session;

import dev.pgkeeper.internal.jdbc.SqlFunction;
import org.jspecify.annotations.Nullable;

/** How a look is taken: patiently, or once. */
public interface Caller {
  <T extends @Nullable Object> T call(SqlFunction<T> query);
}
