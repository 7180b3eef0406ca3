/** What has to hold, whatever happened: one class for each promise. */
@NullMarked
package dev.pgkeeper.proof.check;

import org.jspecify.annotations.NullMarked;
