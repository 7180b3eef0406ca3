/** Who is there, where a service can be reached, and who has which share. */
@NullMarked
package dev.pgkeeper.discovery;

import org.jspecify.annotations.NullMarked;
