/** Recipes of shared state: pgkeeper's beside Curator's. */
@NullMarked
package dev.pgkeeper.bench.recipes;

import org.jspecify.annotations.NullMarked;
