package dev.pgkeeper.cli.command;

import dev.pgkeeper.InvalidPathException;
import dev.pgkeeper.internal.path.Paths;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** A path that a node can have. */
public final class PathText implements ITypeConverter<String> {
  @Override
  public String convert(String text) {
    try {
      return Paths.check(text);
    } catch (InvalidPathException e) {
      throw new TypeConversionException(String.valueOf(e.getMessage()));
    }
  }
}
