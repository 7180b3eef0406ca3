/** Who leads. */
@NullMarked
package dev.pgkeeper.election;

import org.jspecify.annotations.NullMarked;
