/** The command line: how it connects and what goes wrong, and commands that run other programs. */
@NullMarked
package dev.pgkeeper.cli;

import org.jspecify.annotations.NullMarked;
