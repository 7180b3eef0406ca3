/** The client's side of a session: its lease, its own connection, and what it may believe. */
@NullMarked
package dev.pgkeeper.internal.session;

import org.jspecify.annotations.NullMarked;
