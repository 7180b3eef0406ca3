package dev.pgkeeper.tree;

/** A znode that was just created: its real path, number included, and its first stat. */
public record Created(String path, Stat stat) {}
