/** What came of it, for people. */
@NullMarked
package dev.pgkeeper.proof.report;

import org.jspecify.annotations.NullMarked;
