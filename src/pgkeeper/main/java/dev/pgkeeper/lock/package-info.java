/** Who has something: locks, semaphores, and the store that refuses whoever comes too late. */
@NullMarked
package dev.pgkeeper.lock;

import org.jspecify.annotations.NullMarked;
