/** The client's side of lines (V007): places, how they are waited for, and what is held. */
@NullMarked
package dev.pgkeeper.internal.line;

import org.jspecify.annotations.NullMarked;
