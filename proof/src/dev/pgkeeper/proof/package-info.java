/**
 * The whole library against everything that goes wrong: a {@linkplain dev.pgkeeper.proof.part.Part
 * part} sets something up, lets real processes work while faults are made, and hands what all of
 * them saw to checks that do not know the library.
 */
@NullMarked
package dev.pgkeeper.proof;

import org.jspecify.annotations.NullMarked;
