/** Copies of nodes that follow what happens to them, settings, and nodes that are kept there. */
@NullMarked
package dev.pgkeeper.cache;

import org.jspecify.annotations.NullMarked;
