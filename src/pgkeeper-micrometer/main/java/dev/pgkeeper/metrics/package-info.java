/**
 * Micrometer meters of a keeper. Needs {@code io.micrometer:micrometer-core} on the class path,
 * which the rest of the library does without.
 */
@NullMarked
package dev.pgkeeper.metrics;

import org.jspecify.annotations.NullMarked;
