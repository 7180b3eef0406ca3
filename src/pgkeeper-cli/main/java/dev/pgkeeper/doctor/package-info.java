/**
 * What is wrong with a set-up, in plain words and with what to do. Begin with {@link
 * dev.pgkeeper.doctor.Doctor}.
 */
@NullMarked
package dev.pgkeeper.doctor;

import org.jspecify.annotations.NullMarked;
