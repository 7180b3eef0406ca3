package dev.pgkeeper.discovery;

import dev.pgkeeper.Codec;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;

/**
 * A service's instance as its node has it: a line of {@code key=value} for each thing, to be read
 * and written with SQL too. What is not known is passed over, so that a later version may say more.
 */
final class InstanceText {
  private static final String METADATA = "metadata.";

  private InstanceText() {}

  static byte[] encode(ServiceInstance instance) {
    StringBuilder text = new StringBuilder();
    line(text, "host", instance.host());
    line(text, "port", Integer.toString(instance.port()));
    line(text, "weight", Integer.toString(instance.weight()));
    line(text, "up", Boolean.toString(instance.isUp()));
    new TreeMap<>(instance.metadata()).forEach((key, value) -> line(text, METADATA + key, value));
    return text.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static void line(StringBuilder text, String key, String value) {
    text.append(escaped(key).replace("=", "\\=")).append('=').append(escaped(value)).append('\n');
  }

  private static String escaped(String plain) {
    return plain.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r");
  }

  /** Fails if it is not such a text. */
  static ServiceInstance decode(String id, byte[] data) throws Exception {
    Map<String, String> lines = lines(Codec.text().decode(data));
    Map<String, String> metadata = new TreeMap<>();
    lines.forEach(
        (key, value) -> {
          if (key.startsWith(METADATA)) {
            metadata.put(key.substring(METADATA.length()), value);
          }
        });
    return new ServiceInstance(
        id,
        lines.getOrDefault("host", ""),
        Integer.parseInt(lines.getOrDefault("port", "0")),
        Integer.parseInt(lines.getOrDefault("weight", "1")),
        Boolean.parseBoolean(lines.getOrDefault("up", "true")),
        metadata);
  }

  private static Map<String, String> lines(String text) {
    Map<String, String> lines = new TreeMap<>();
    for (String line : text.split("\n", -1)) {
      StringBuilder key = new StringBuilder();
      StringBuilder part = key;
      StringBuilder value = new StringBuilder();
      for (int i = 0; i < line.length(); i++) {
        char c = line.charAt(i);
        if (c == '\\' && i + 1 < line.length()) {
          part.append(unescaped(line.charAt(++i)));
        } else if (c == '=' && part == key) {
          part = value;
        } else {
          part.append(c);
        }
      }
      if (part == value) {
        lines.put(key.toString(), value.toString());
      }
    }
    return lines;
  }

  private static char unescaped(char c) {
    return switch (c) {
      case 'n' -> '\n';
      case 'r' -> '\r';
      default -> c;
    };
  }
}
