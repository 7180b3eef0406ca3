/** What {@code pgkeeper demo} tells, chapter by chapter, and the processes that take part. */
@NullMarked
package dev.pgkeeper.cli.demo;

import org.jspecify.annotations.NullMarked;
