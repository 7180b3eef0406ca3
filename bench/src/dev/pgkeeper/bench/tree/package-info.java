/** The suite "tree": znodes, watches, and what an idle client costs. */
@NullMarked
package dev.pgkeeper.bench.tree;

import org.jspecify.annotations.NullMarked;
