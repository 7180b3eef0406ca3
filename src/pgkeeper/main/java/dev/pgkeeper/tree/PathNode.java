package dev.pgkeeper.tree;

/** A znode and where it is. */
public record PathNode(String path, Node node) {}
