/** What it costs to see and operate everything. */
@NullMarked
package dev.pgkeeper.bench.inspect;

import org.jspecify.annotations.NullMarked;
