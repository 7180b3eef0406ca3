/**
 * The client's side of meetings (R__14_meetings.sql): who takes part, and what each was told of its
 * round.
 */
@NullMarked
package dev.pgkeeper.internal.meeting;

import org.jspecify.annotations.NullMarked;
