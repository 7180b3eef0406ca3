/** Each fault really set up, and found; and silence where there is none. */
package dev.pgkeeper.doctor;
