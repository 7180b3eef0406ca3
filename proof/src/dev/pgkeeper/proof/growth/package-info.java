/** What is in use, as it went while everybody worked, and whether it grows. */
@NullMarked
package dev.pgkeeper.proof.growth;

import org.jspecify.annotations.NullMarked;
