/**
 * The same work of the same client in two ways, in turns: the suite "jit" with and without a server
 * that compiles plans, and the suite "pins" with and without a search_path of each function's own.
 */
@NullMarked
package dev.pgkeeper.bench.ways;

import org.jspecify.annotations.NullMarked;
