/** The terminal that a person sits at. */
@NullMarked
package dev.pgkeeper.cli.terminal;

import org.jspecify.annotations.NullMarked;
