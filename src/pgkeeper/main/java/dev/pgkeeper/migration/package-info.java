/** Brings a schema of a database to the version that this jar speaks. */
@NullMarked
package dev.pgkeeper.migration;

import org.jspecify.annotations.NullMarked;
