package dev.pgkeeper.doctor;

/**
 * Something that was found.
 *
 * @param severity how bad it is
 * @param name what was examined: stays the same from version to version
 * @param found what was found, with its numbers
 * @param advice what to do
 */
public record Finding(Severity severity, String name, String found, String advice) {}
