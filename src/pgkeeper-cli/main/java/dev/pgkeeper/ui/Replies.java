package dev.pgkeeper.ui;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** How answers are written, each with what keeps a browser from doing more than it is to. */
final class Replies {
  static final String JSON = "application/json; charset=utf-8";

  /** Nothing is loaded from elsewhere, nothing that came as text becomes a part of the page. */
  private static final String POLICY =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
          + " base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
          + " require-trusted-types-for 'script'; trusted-types 'none'";

  private static final Map<String, String> ALWAYS =
      Map.of(
          "Content-Security-Policy", POLICY,
          "X-Content-Type-Options", "nosniff",
          "X-Frame-Options", "DENY",
          "Referrer-Policy", "no-referrer",
          "Cross-Origin-Opener-Policy", "same-origin",
          "Cross-Origin-Resource-Policy", "same-origin",
          "Permissions-Policy", "camera=(), geolocation=(), microphone=(), usb=()",
          "Cache-Control", "no-store");

  private Replies() {}

  /** The headers of an answer of this type. */
  static Headers headers(HttpExchange exchange, String type) {
    Headers headers = exchange.getResponseHeaders();
    ALWAYS.forEach(headers::set);
    headers.set("Content-Type", type);
    return headers;
  }

  static void send(HttpExchange exchange, int status, String type, byte[] body) throws IOException {
    headers(exchange, type);
    Turns.go(Turns.State.WRITES);
    boolean head = exchange.getRequestMethod().equals("HEAD");
    exchange.sendResponseHeaders(status, head || body.length == 0 ? -1 : body.length);
    if (!head && body.length > 0) {
      exchange.getResponseBody().write(body);
    }
  }

  static void json(HttpExchange exchange, String json) throws IOException {
    send(exchange, 200, JSON, JsonText.harmless(json).getBytes(StandardCharsets.UTF_8));
  }

  /** As text, which is also what whoever called by hand can read. */
  static void refuse(HttpExchange exchange, Refusal refusal) throws IOException {
    if (refusal.status() == 405) {
      exchange.getResponseHeaders().set("Allow", "GET, HEAD");
    }
    send(
        exchange,
        refusal.status(),
        "text/plain; charset=utf-8",
        (refusal.why() + "\n").getBytes(StandardCharsets.UTF_8));
  }
}
