/** The parts of the demo that are looked at by themselves. */
package dev.pgkeeper.cli.demo;
