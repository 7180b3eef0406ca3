/** The command line, run for real. */
package dev.pgkeeper.cli;
