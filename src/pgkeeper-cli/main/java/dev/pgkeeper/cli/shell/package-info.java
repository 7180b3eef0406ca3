/** {@code pgkeeper shell}: the other commands, one after the other, with one session. */
@NullMarked
package dev.pgkeeper.cli.shell;

import org.jspecify.annotations.NullMarked;
