/**
 * What can be learned of a client at work, by whoever measures it: metrics and flight recordings.
 */
@NullMarked
package dev.pgkeeper.internal.observe;

import org.jspecify.annotations.NullMarked;
