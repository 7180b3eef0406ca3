/** The programs in {@code examples/}, run. */
package dev.pgkeeper.examples;
