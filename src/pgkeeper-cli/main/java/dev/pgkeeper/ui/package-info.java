/**
 * The page: what happens in a pgkeeper database, live, in a browser of the same machine.
 *
 * <p>The server is the JDK's; the database makes the JSON; the browser draws it. {@link
 * dev.pgkeeper.ui.Page} is the whole of it for callers. A request goes through {@link Doorman},
 * which lets nothing in that another site could have sent. Reading needs no more than an
 * inspector's rights; changing needs the link that only whoever started the page was told.
 */
@NullMarked
package dev.pgkeeper.ui;

import org.jspecify.annotations.NullMarked;
