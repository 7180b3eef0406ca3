/** How long it takes until the next one acts, and whether the former one is refused. */
@NullMarked
package dev.pgkeeper.proof.failover;

import org.jspecify.annotations.NullMarked;
