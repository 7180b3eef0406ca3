/** Commands of operators, and those that put messages into queues and take them out. */
@NullMarked
package dev.pgkeeper.cli.change;

import org.jspecify.annotations.NullMarked;
