/** Recipes, side by side with Curator's. */
@NullMarked
package dev.pgkeeper.bench.recipes;

import org.jspecify.annotations.NullMarked;
