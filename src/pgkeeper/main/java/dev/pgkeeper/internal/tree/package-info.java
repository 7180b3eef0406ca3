/** The znode operations, in transactions of their own and inside the caller's. */
@NullMarked
package dev.pgkeeper.internal.tree;

import org.jspecify.annotations.NullMarked;
