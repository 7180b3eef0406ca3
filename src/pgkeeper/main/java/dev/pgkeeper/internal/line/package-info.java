/**
 * The client's side of lines (R__13_lines.sql): places, how they are waited for, and what is held.
 */
@NullMarked
package dev.pgkeeper.internal.line;

import org.jspecify.annotations.NullMarked;
