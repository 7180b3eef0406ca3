/** Numbers, values, barriers and latches that all processes share. */
@NullMarked
package dev.pgkeeper.shared;

import org.jspecify.annotations.NullMarked;
