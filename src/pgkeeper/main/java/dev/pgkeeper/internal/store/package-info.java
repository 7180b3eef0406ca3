/** What is kept beside the tree (R__16_fenced_store.sql). */
@NullMarked
package dev.pgkeeper.internal.store;

import org.jspecify.annotations.NullMarked;
