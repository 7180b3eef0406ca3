package dev.pgkeeper.cli.output;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Bytes of users in what is text. */
public final class Data {
  private Data() {}

  /** The text they are in UTF-8; null if they are none. */
  public static @Nullable String text(byte[] bytes) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      return null;
    }
  }

  /** Puts them under {@code data} if they are text, else under {@code base64}. */
  public static void put(Map<String, @Nullable Object> object, byte[] bytes) {
    String text = text(bytes);
    if (text != null) {
      object.put("data", text);
    } else {
      object.put("base64", Base64.getEncoder().encodeToString(bytes));
    }
  }
}
