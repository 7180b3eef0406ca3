/** What the schema promises to those who use it with SQL: functions, views, roles, plans. */
package dev.pgkeeper.sql;
