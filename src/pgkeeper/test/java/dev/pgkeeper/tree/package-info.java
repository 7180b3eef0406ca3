/** What the tree promises to its callers, on a real PostgreSQL. */
package dev.pgkeeper.tree;
