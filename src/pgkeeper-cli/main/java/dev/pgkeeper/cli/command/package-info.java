/**
 * What each command stands on: where it connects, what it is given, what it says when that fails.
 */
@NullMarked
package dev.pgkeeper.cli.command;

import org.jspecify.annotations.NullMarked;
