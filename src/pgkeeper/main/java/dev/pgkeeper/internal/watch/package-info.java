/** What is watched, what was last seen of it, and whom to tell. */
@NullMarked
package dev.pgkeeper.internal.watch;

import org.jspecify.annotations.NullMarked;
