package dev.pgkeeper.internal.session;

import dev.pgkeeper.internal.jdbc.SqlFunction;
import org.jspecify.annotations.Nullable;

/** Where the looks of a sweep are taken: on the client's own connection, or on borrowed ones. */
public interface Caller {
  <T extends @Nullable Object> T call(SqlFunction<T> query);
}
