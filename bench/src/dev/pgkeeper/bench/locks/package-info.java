/** Locks: pgkeeper's mutex beside those of its peers. */
@NullMarked
package dev.pgkeeper.bench.locks;

import org.jspecify.annotations.NullMarked;
