/** What is a path. */
@NullMarked
package dev.pgkeeper.internal.path;

import org.jspecify.annotations.NullMarked;
