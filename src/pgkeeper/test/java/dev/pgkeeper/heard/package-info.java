/** What a client hears that pgkeeper did not ring. */
@NullMarked
package dev.pgkeeper.heard;

import org.jspecify.annotations.NullMarked;
