/**
 * A real ZooKeeper as the judge. The same steps are done on two {@link
 * dev.pgkeeper.differential.Subject subjects} in {@link dev.pgkeeper.differential.Lockstep
 * lockstep}, a ZooKeeper server that is right by definition and the one that is judged, and
 * whatever a client can see of them is compared after each step: the answer or the error, every
 * field of every stat that the step may have changed, and what the watchers of every client were
 * told.
 *
 * <p>Numbers that each side chooses for itself, such as zxids, sessions and times, are compared by
 * how they relate to each other; see {@link dev.pgkeeper.differential.Comparer}. Where pgkeeper
 * differs on purpose is told, with the reason, in {@link
 * dev.pgkeeper.differential.DeliberateDifferences} and nowhere else.
 */
package dev.pgkeeper.differential;
