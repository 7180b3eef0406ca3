/**
 * The measurements. A {@linkplain dev.pgkeeper.bench.Suite suite} is a list of {@linkplain
 * dev.pgkeeper.bench.Case cases}; most cases are a {@link dev.pgkeeper.bench.Contest} in which
 * several subjects do the same work, taking turns in rounds, so that whatever else the machine does
 * hits all of them.
 */
@NullMarked
package dev.pgkeeper.bench;

import org.jspecify.annotations.NullMarked;
