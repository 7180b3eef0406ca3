package dev.pgkeeper.ui;

import com.sun.net.httpserver.Headers;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Who is let in. The server is bound to loopback, but every browser of the machine reaches that, on
 * behalf of any site: so a request has to name this server as its host (another name that was made
 * to resolve to it would be another site's), and must not say that it comes from elsewhere.
 */
final class Doorman {
  static final String TOKEN_HEADER = "X-Pgkeeper-Token";

  private final Set<String> hosts;
  private final @Nullable String token;

  /**
   * @param token what a request that changes something has to know; null if nothing is to be
   *     changed
   */
  Doorman(int port, @Nullable String token) {
    hosts = Set.of("127.0.0.1:" + port, "localhost:" + port, "[::1]:" + port);
    this.token = token;
  }

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
      return new Refusal(403, "this page only shows; start it with --allow-changes to change");
    }
    String given = only(headers, TOKEN_HEADER);
    if (given == null) {
      return new Refusal(401, "a change needs the token that was printed when the page started");
    } else if (!MessageDigest.isEqual(bytes(given), bytes(token))) {
      return new Refusal(403, "this is not the token that was printed when the page started");
    }
    return null;
  }

  private static @Nullable String only(Headers headers, String name) {
    List<String> values = headers.get(name);
    return values == null || values.size() != 1 ? null : values.get(0);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
