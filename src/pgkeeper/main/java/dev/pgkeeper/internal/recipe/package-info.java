/** What recipes of several packages need: listeners, threads, attempts, pages. */
@NullMarked
package dev.pgkeeper.internal.recipe;

import org.jspecify.annotations.NullMarked;
