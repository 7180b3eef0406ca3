package dev.pgkeeper.cache;

import dev.pgkeeper.Codec;
import java.util.Objects;
import java.util.function.Function;

/**
 * A key of a {@link Settings}: its name, how its value is written, and what holds while nobody has
 * set it.
 */
public record Setting<T>(String name, Codec<T> codec, T defaultValue) {
  // One of each, so that settings of the same name and default are equal.
  private static final Codec<String> TEXT = Codec.text();
  private static final Codec<Long> NUMBER = written(Long::parseLong);
  private static final Codec<Double> DECIMAL = written(Double::parseDouble);
  private static final Codec<Boolean> FLAG = written(Setting::flagOf);

  public Setting {
    Objects.requireNonNull(codec, "codec");
    Objects.requireNonNull(defaultValue, "defaultValue");
    if (name.isEmpty() || name.indexOf('/') >= 0) {
      throw new IllegalArgumentException(
          "the name of a setting is \"" + name + "\"; use one that is not empty and has no /");
    }
  }

  public static Setting<String> text(String name, String defaultValue) {
    return new Setting<>(name, TEXT, defaultValue);
  }

  public static Setting<Long> number(String name, long defaultValue) {
    return new Setting<>(name, NUMBER, defaultValue);
  }

  public static Setting<Double> decimal(String name, double defaultValue) {
    return new Setting<>(name, DECIMAL, defaultValue);
  }

  /** {@code true} or {@code false}. */
  public static Setting<Boolean> flag(String name, boolean defaultValue) {
    return new Setting<>(name, FLAG, defaultValue);
  }

  private static Boolean flagOf(String text) {
    if (!text.equals("true") && !text.equals("false")) {
      throw new IllegalArgumentException("neither true nor false");
    }
    return text.equals("true");
  }

  private static <T> Codec<T> written(Function<String, T> reader) {
    return Codec.text(Object::toString, text -> reader.apply(text.strip()));
  }
}
