/** Where the tests get their PostgreSQL and their processes from. */
package dev.pgkeeper.testing;
