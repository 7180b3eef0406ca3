/**
 * What is made of lines and znodes: one recipe a file, each a noun that takes a keeper and a path,
 * and uses nothing that every user could not use.
 */
@NullMarked
package dev.pgkeeper.recipes;

import org.jspecify.annotations.NullMarked;
