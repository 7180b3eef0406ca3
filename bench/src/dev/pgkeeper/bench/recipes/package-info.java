/** The recipes beside locks and queues, side by side with Curator's. */
@NullMarked
package dev.pgkeeper.bench.recipes;

import org.jspecify.annotations.NullMarked;
