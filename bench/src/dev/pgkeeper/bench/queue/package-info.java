/** Queues: pgkeeper's beside the plainest one there is and those of its peers. */
@NullMarked
package dev.pgkeeper.bench.queue;

import org.jspecify.annotations.NullMarked;
