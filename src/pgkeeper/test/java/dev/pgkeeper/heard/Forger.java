package dev.pgkeeper.heard;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Makes what might be rung out of what is: rings of all kinds, and those that were overheard, as
 * they are, changed a little, or glued together; and garbage.
 */
final class Forger {
  /** PostgreSQL takes no more in one notification. */
  private static final int MOST_BYTES = 7999;

  private static final int MOST_SAMPLES = 500;

  private static final List<String> KINDS =
      List.of(
          "ended",
          "closed",
          "/",
          "/value",
          "/cached/1",
          "/cached/1/below",
          "/lock",
          "/lock//1",
          "/lock//1\n-4711",
          "/lock/c-0000000001-lock\n4711",
          "/meeting",
          "queue mails",
          "queue idle",
          "queue nowhere",
          "meeting 0000000000000000",
          "meeting e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
          "meeting -1 over",
          "sync:1",
          "sync:00000000000000000000000000000000",
          "probe");

  private static final String ODD = "/\n\t :-\"'\\{}0129azé€\uD83D\uDD12\u0001\u007f";

  private final Random random;
  private final List<String> samples = new ArrayList<>(KINDS);

  Forger(long seed) {
    random = new Random(seed);
  }

  /** Something that was overheard. */
  void learn(String payload) {
    if (samples.size() < MOST_SAMPLES) {
      samples.add(payload);
    } else {
      samples.set(KINDS.size() + random.nextInt(samples.size() - KINDS.size()), payload);
    }
  }

  List<String> some() {
    List<String> some = new ArrayList<>();
    for (int i = random.nextInt(50); i >= 0; i--) {
      some.add(fitting(forged()));
    }
    return some;
  }

  private String sample() {
    return samples.get(random.nextInt(samples.size()));
  }

  private String forged() {
    String from = sample();
    int at = random.nextInt(from.length() + 1);
    return switch (random.nextInt(11)) {
      case 0 -> from;
      case 1 -> from.substring(0, at);
      case 2 -> from.substring(at);
      case 3 -> from.substring(0, at) + garbage(random.nextInt(4) + 1) + from.substring(at);
      case 4 -> from + sample();
      case 5 -> from.substring(0, at) + from.substring(at / 2);
      case 6 -> from.replaceAll("\\d+", Long.toString(random.nextLong()));
      case 7 -> from.replaceAll("\\d+", Integer.toString(random.nextInt(3)));
      case 8 -> from + "/" + random.nextInt();
      case 9 -> from + garbage(MOST_BYTES);
      default -> garbage(random.nextInt(200));
    };
  }

  private String garbage(int length) {
    StringBuilder garbage = new StringBuilder(length);
    while (garbage.length() < length) {
      garbage.appendCodePoint(ODD.codePointAt(random.nextInt(ODD.length() - 4)));
    }
    return garbage.toString();
  }

  /** Without what no text of PostgreSQL's can have. */
  private static String fitting(String payload) {
    String text = payload;
    while (text.getBytes(StandardCharsets.UTF_8).length > MOST_BYTES) {
      text = text.substring(0, text.length() * 2 / 3);
    }
    boolean halved = !text.isEmpty() && Character.isHighSurrogate(text.charAt(text.length() - 1));
    return new String(
        (halved ? text.substring(0, text.length() - 1) : text).getBytes(StandardCharsets.UTF_8),
        StandardCharsets.UTF_8);
  }
}
