/**
 * The servers that are measured, started by the harness with the durability they have in
 * production.
 */
@NullMarked
package dev.pgkeeper.bench.server;

import org.jspecify.annotations.NullMarked;
