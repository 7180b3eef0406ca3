/** What is kept beside the tree (V008). */
@NullMarked
package dev.pgkeeper.internal.store;

import org.jspecify.annotations.NullMarked;
