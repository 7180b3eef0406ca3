package dev.pgkeeper.tree;

import dev.pgkeeper.KeeperException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The answer to one {@link Read}.
 *
 * @param code {@link KeeperException.Code#OK}, or why there is no answer
 * @param node the answer to {@link Read#node}
 * @param children the answer to {@link Read#children}, sorted
 */
public record ReadResult(
    KeeperException.Code code, @Nullable Node node, @Nullable List<String> children) {}
