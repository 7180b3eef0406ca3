/** What the processes wrote down, read again. */
@NullMarked
package dev.pgkeeper.proof.history;

import org.jspecify.annotations.NullMarked;
