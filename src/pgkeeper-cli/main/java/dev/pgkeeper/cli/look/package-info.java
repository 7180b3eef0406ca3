/** Commands that show views. */
@NullMarked
package dev.pgkeeper.cli.look;

import org.jspecify.annotations.NullMarked;
