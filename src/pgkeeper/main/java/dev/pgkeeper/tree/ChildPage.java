package dev.pgkeeper.tree;

import java.util.List;

/** Some of a node's children, sorted by name; ask for those after the last name to go on. */
public record ChildPage(List<String> names, boolean hasMore) {}
