/** The terminal that a person sits at. Needs the optional dependency org.jline:jline-reader. */
@NullMarked
package dev.pgkeeper.cli.terminal;

import org.jspecify.annotations.NullMarked;
