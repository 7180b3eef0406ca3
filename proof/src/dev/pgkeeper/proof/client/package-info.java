/**
 * The processes that work: each does a bit of everything and writes down what it asks and is
 * answered.
 */
@NullMarked
package dev.pgkeeper.proof.client;

import org.jspecify.annotations.NullMarked;
