/** The page in a real browser, against a real database. */
package dev.pgkeeper.ui;
