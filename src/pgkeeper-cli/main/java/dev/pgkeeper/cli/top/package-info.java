/** {@code pgkeeper top}: what happens now, live. */
@NullMarked
package dev.pgkeeper.cli.top;

import org.jspecify.annotations.NullMarked;
