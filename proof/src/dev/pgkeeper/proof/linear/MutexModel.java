package dev.pgkeeper.proof.linear;

import org.jspecify.annotations.Nullable;

/** A lock: free, or held under the token that was handed out with it. */
public final class MutexModel implements Model<Long, MutexModel.Use> {
  private static final Long FREE = 0L;

  /** Taken, or given back by whoever has it or by whatever ends a hold. */
  public record Use(boolean taken, long token) {}

  @Override
  public Long initial() {
    return FREE;
  }

  @Override
  public @Nullable Long after(Long holder, Use use) {
    if (use.taken()) {
      return holder.equals(FREE) ? (Long) use.token() : null;
    }
    return holder == use.token() ? FREE : null;
  }
}
