package dev.pgkeeper.tree;

import dev.pgkeeper.SessionState;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link Watcher} is told.
 *
 * @param type what happened; {@link EventType#NONE} if only the session's state changed
 * @param state the session's state when the event was told
 * @param path the node it happened to; null for {@link EventType#NONE}
 */
public record WatchedEvent(EventType type, SessionState state, @Nullable String path) {}
