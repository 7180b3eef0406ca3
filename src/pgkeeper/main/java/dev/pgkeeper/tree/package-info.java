/** The znodes that all sessions share, and what a watch tells of them. */
@NullMarked
package dev.pgkeeper.tree;

import org.jspecify.annotations.NullMarked;
