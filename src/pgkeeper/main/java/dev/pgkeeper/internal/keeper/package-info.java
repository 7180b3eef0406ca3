/** A keeper's sessions, one after the other, and what each of them consists of. */
@NullMarked
package dev.pgkeeper.internal.keeper;

import org.jspecify.annotations.NullMarked;
