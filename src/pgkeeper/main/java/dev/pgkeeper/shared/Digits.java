package dev.pgkeeper.shared;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.tree.Node;
import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;

/**
 * Whole numbers as nodes have them, and as {@link dev.pgkeeper.tree.TreeOperations#add} reads them.
 */
final class Digits {
  private static final Pattern NUMBER = Pattern.compile("-?[0-9]{1,19}");

  private Digits() {}

  static byte[] of(long number) {
    return Long.toString(number).getBytes(StandardCharsets.US_ASCII);
  }

  static long read(String path, Node node) {
    String text = new String(node.data(), StandardCharsets.ISO_8859_1);
    if (NUMBER.matcher(text).matches()) {
      try {
        return Long.parseLong(text);
      } catch (NumberFormatException e) {
        throw KeeperException.of(KeeperException.Code.NOT_A_NUMBER, path); // too large
      }
    }
    throw KeeperException.of(KeeperException.Code.NOT_A_NUMBER, path);
  }
}
