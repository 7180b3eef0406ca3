/** The suite "jit": what a server that compiles plans costs a client, against one that must not. */
@NullMarked
package dev.pgkeeper.bench.jit;

import org.jspecify.annotations.NullMarked;
