/**
 * What a user meets first: a {@link dev.pgkeeper.Keeper} is the door, a {@link
 * dev.pgkeeper.Session} what it has with the database at this time, a {@link dev.pgkeeper.Held}
 * what it holds.
 */
@NullMarked
package dev.pgkeeper;

import org.jspecify.annotations.NullMarked;
