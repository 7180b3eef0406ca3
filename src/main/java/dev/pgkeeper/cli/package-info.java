/** The command line: {@code pgkeeper demo}, {@code pgkeeper migrate}. */
@NullMarked
package dev.pgkeeper.cli;

import org.jspecify.annotations.NullMarked;
