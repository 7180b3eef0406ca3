/**
 * What a user meets first: a {@link dev.pgkeeper.Keeper} is one session with the database, its
 * {@link dev.pgkeeper.Tree} the znodes that all sessions share.
 */
@NullMarked
package dev.pgkeeper;

import org.jspecify.annotations.NullMarked;
