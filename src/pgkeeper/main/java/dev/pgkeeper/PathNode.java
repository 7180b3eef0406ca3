package dev.pgkeeper;

/** A znode and where it is. */
public record PathNode(String path, Node node) {}
