package dev.pgkeeper.tree;

import java.util.List;

/** Some nodes, sorted by path; ask for those after the last path to go on. */
public record NodePage(List<PathNode> nodes, boolean hasMore) {}
