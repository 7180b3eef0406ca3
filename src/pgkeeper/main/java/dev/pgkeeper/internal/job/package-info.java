/**
 * The client's side of the guard (R__25_jobs.sql): claims, runs, and the scheduler made of them.
 */
@NullMarked
package dev.pgkeeper.internal.job;

import org.jspecify.annotations.NullMarked;
