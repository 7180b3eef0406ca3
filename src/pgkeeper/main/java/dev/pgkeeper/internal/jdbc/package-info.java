/**
 * How the library speaks to PostgreSQL: the only place where {@link java.sql.SQLException} is
 * caught.
 */
@NullMarked
package dev.pgkeeper.internal.jdbc;

import org.jspecify.annotations.NullMarked;
