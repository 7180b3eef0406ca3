/** Set-ups, and what is tried in each. */
@NullMarked
package dev.pgkeeper.proof.part;

import org.jspecify.annotations.NullMarked;
