/** A PostgreSQL for those who have none at hand, from binaries on the class path. */
@NullMarked
package dev.pgkeeper.cli.embedded;

import org.jspecify.annotations.NullMarked;
