/** How commands print: tables, JSON, colours. */
@NullMarked
package dev.pgkeeper.cli.output;

import org.jspecify.annotations.NullMarked;
