package dev.pgkeeper.tree;

import dev.pgkeeper.KeeperException;
import org.jspecify.annotations.Nullable;

/**
 * What became of one step of a multi.
 *
 * @param code {@link KeeperException.Code#OK}, or why the step failed
 * @param path the real path for a create, else the path that was asked for
 * @param stat for a create and a set that succeeded
 */
public record OpResult(KeeperException.Code code, String path, @Nullable Stat stat) {}
