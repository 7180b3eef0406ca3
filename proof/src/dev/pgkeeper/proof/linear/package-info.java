/** Whether what clients were answered can have been done one thing after the other. */
@NullMarked
package dev.pgkeeper.proof.linear;

import org.jspecify.annotations.NullMarked;
