/** Commands that show and change znodes, as who comes from {@code zkCli.sh} expects. */
@NullMarked
package dev.pgkeeper.cli.tree;

import org.jspecify.annotations.NullMarked;
