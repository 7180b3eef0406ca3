/** Places where contenders wait or come together: what recipes are made of. */
@NullMarked
package dev.pgkeeper.line;

import org.jspecify.annotations.NullMarked;
