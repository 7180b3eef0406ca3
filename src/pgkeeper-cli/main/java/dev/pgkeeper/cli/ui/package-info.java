/** {@code pgkeeper ui}: serves the page. */
@NullMarked
package dev.pgkeeper.cli.ui;

import org.jspecify.annotations.NullMarked;
