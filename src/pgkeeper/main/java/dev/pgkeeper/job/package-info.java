/**
 * Jobs that run once: for any scheduler an application already has, and with a small one of its
 * own. Begin with {@link dev.pgkeeper.Keeper#jobs()}.
 */
@NullMarked
package dev.pgkeeper.job;

import org.jspecify.annotations.NullMarked;
