package dev.pgkeeper;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * How a value becomes bytes and is read again. Whoever reads may be another version of the program,
 * or another program: use a format that is made for that, such as JSON, never Java serialization.
 */
public interface Codec<T> {
  byte[] encode(T value);

  /** Anything thrown says that these bytes are not such a value. */
  T decode(byte[] bytes) throws Exception;

  /** Text as UTF-8. */
  static Codec<String> text() {
    return new Codec<>() {
      @Override
      public byte[] encode(String value) {
        return value.getBytes(StandardCharsets.UTF_8);
      }

      @Override
      public String decode(byte[] bytes) throws CharacterCodingException {
        return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      }
    };
  }

  /** How one thing is made of another; anything thrown says that it cannot be. */
  @FunctionalInterface
  interface Conversion<A, B> {
    B convert(A from) throws Exception;
  }

  /**
   * Whatever is written as text, for example as JSON by a library of your choice: {@code
   * Codec.text(json::writeValueAsString, text -> json.readValue(text, Order.class))}.
   */
  static <T> Codec<T> text(Conversion<T, String> write, Conversion<String, T> read) {
    return new Codec<>() {
      @Override
      public byte[] encode(T value) {
        try {
          return text().encode(write.convert(value));
        } catch (Exception e) {
          throw new IllegalArgumentException("the codec cannot write the value", e);
        }
      }

      @Override
      public T decode(byte[] bytes) throws Exception {
        return read.convert(text().decode(bytes));
      }
    };
  }

  /** Bytes as they are. */
  static Codec<byte[]> bytes() {
    return new Codec<>() {
      @Override
      public byte[] encode(byte[] value) {
        return value;
      }

      @Override
      public byte[] decode(byte[] bytes) {
        return bytes;
      }
    };
  }
}
