/** What goes wrong, when, and to whom: drawn from a seed, and done. */
@NullMarked
package dev.pgkeeper.proof.fault;

import org.jspecify.annotations.NullMarked;
