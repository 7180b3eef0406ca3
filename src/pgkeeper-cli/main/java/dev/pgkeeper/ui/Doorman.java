package dev.pgkeeper.ui;

import com.sun.net.httpserver.Headers;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Who is let in. The server is bound to loopback, but every browser of the machine reaches that, on
 * behalf of any site: so a request has to name this server as its host (another name that was made
 * to resolve to it would be another site's), and must not say that it comes from elsewhere.
 *
 * <p>Changes need a token, which a browser gets once, for the key in the link that was printed:
 * what stays of the link in the browser's history, in a terminal or in a log is worth nothing after
 * that. The page keeps the token in its tab and sends it in a header. It is no cookie, because a
 * browser sends these to all ports of a host, and so to the servers of this machine's other users,
 * who could also set one.
 */
final class Doorman {
  static final String TOKEN_HEADER = "X-Pgkeeper-Token";
  static final String LINK_HEADER = "X-Pgkeeper-Link";
  private static final int RANDOM_BYTES = 16;

  private final Set<String> hosts;

  /** Null if nothing is to be changed. */
  private final @Nullable String token;

  /** What the link has; null once somebody came with it. */
  private final AtomicReference<@Nullable String> linkKey;

  Doorman(int port, boolean allowChanges) {
    hosts = Set.of("127.0.0.1:" + port, "localhost:" + port, "[::1]:" + port);
    token = allowChanges ? random() : null;
    linkKey = new AtomicReference<>(allowChanges ? random() : null);
  }

  private static String random() {
    byte[] bytes = new byte[RANDOM_BYTES];
    new SecureRandom().nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }

  boolean letsChange() {
    return token != null;
  }

  /** The key of the link, as long as nobody has come with it. */
  @Nullable String linkKey() {
    return linkKey.get();
  }

  /** The token, for whoever is the first to come with the link. */
  String enter(Headers headers) throws Refused {
    if (token == null) {
      throw new Refused(403, ONLY_SHOWS);
    }
    String given = only(headers, LINK_HEADER);
    String wanted = linkKey.get();
    if (given == null
        || wanted == null
        || !isSame(given, wanted)
        || !linkKey.compareAndSet(wanted, null)) {
      throw new Refused(
          403,
          "this link was used before, or is not the one that was printed; start pgkeeper ui again,"
              + " and open the one that it prints then");
    }
    return token;
  }

  private static final String ONLY_SHOWS =
      "this page only shows; start it with --allow-changes to change";

  /** Why a request is not let in; null if it is. */
  @Nullable Refusal refusal(Headers headers) {
    String host = only(headers, "Host");
    if (host == null || !hosts.contains(host)) {
      return new Refusal(421, "this is not the host that was asked for; use the address printed");
    }
    if (headers.containsKey("Origin")
        && !Objects.equals(only(headers, "Origin"), "http://" + host)) {
      return new Refusal(403, "another site's pages are not answered");
    }
    String site = headers.getFirst("Sec-Fetch-Site");
    if (site != null && !site.equals("same-origin") && !site.equals("none")) {
      return new Refusal(403, "another site's pages are not answered; type the address instead");
    }
    return null;
  }

  /** Why a request may not change anything; null if it may. */
  @Nullable Refusal refusalOfChange(Headers headers) {
    if (token == null) {
      return new Refusal(403, ONLY_SHOWS);
    }
    String given = only(headers, TOKEN_HEADER);
    if (given == null || !isSame(given, token)) {
      return new Refusal(
          401,
          "a change needs the link that was printed when the page started; open it, or paste it");
    }
    return null;
  }

  private static @Nullable String only(Headers headers, String name) {
    List<String> values = headers.get(name);
    return values == null || values.size() != 1 ? null : values.get(0);
  }

  private static boolean isSame(String given, String wanted) {
    return MessageDigest.isEqual(bytes(given), bytes(wanted));
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
