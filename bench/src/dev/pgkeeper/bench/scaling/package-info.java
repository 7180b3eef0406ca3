/** The suite "scaling": what becomes of it all with more processes, sessions and nodes. */
@NullMarked
package dev.pgkeeper.bench.scaling;

import org.jspecify.annotations.NullMarked;
