/** Every recipe in every environment that PostgreSQL, a pool or a framework can make. */
package dev.pgkeeper.environment;
