package dev.pgkeeper.ui;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.pgkeeper.ui.StaticFiles.StaticFile;
import dev.pgkeeper.ui.Turns.State;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Serves the page on this machine's loopback address until it is closed. */
public final class Page implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Page.class);
  private static final int MOST_BYTES = 16 * 1024;

  private final HttpServer server;
  private final Turns turns = new Turns();
  private final Thread looking;
  private final Source source;
  private final Doorman doorman;
  private final StaticFiles files = new StaticFiles();
  private final Live live = new Live();
  private final Questions questions;
  private final Changes changes;

  private Page(HttpServer server, Source source, boolean allowChanges) {
    this.server = server;
    this.source = source;
    doorman = new Doorman(server.getAddress().getPort(), allowChanges);
    questions = new Questions(source);
    changes = new Changes(source);
    looking = daemon(new Looker(source, live));
  }

  /**
   * Starts to serve it.
   *
   * @param port 0 for one that is free
   * @param allowChanges whether what operators do can be done through it, by whoever has the link
   * @throws IOException if the port is taken
   */
  public static Page open(Source source, int port, boolean allowChanges) throws IOException {
    InetSocketAddress address = new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port);
    HttpServer server = HttpServer.create(address, 0);
    Page page = new Page(server, source, allowChanges);
    server.createContext("/", page::handle);
    server.setExecutor(page.turns);
    page.looking.start();
    server.start();
    return page;
  }

  /** Where it is. */
  public String address() {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/";
  }

  /** Where it is, with what lets one browser make changes if any can be made. It works once. */
  public String link() {
    String key = doorman.linkKey();
    return key == null ? address() : address() + "#link=" + key;
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      Turns.go(State.WORKS);
      try {
        serve(exchange);
      } catch (Refused e) {
        Replies.refuse(exchange, e.refusal());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt(); // the page is being closed
      } catch (RuntimeException e) {
        LOG.error("{} could not be answered", exchange.getRequestURI().getPath(), e);
        Replies.refuse(exchange, new Refusal(500, "this is a fault of pgkeeper: " + e));
      }
    }
  }

  private void serve(HttpExchange exchange) throws IOException, InterruptedException, Refused {
    Refusal refusal = doorman.refusal(exchange.getRequestHeaders());
    if (refusal != null) {
      throw new Refused(refusal.status(), refusal.why());
    }
    String path = exchange.getRequestURI().getPath();
    String method = exchange.getRequestMethod();
    if (path.equals("/enter") && method.equals("POST")) {
      Replies.json(
          exchange,
          "{\"token\":" + JsonText.quoted(doorman.enter(exchange.getRequestHeaders())) + "}");
    } else if (path.startsWith("/change/")) {
      change(exchange, path.substring("/change/".length()));
    } else if (!method.equals("GET") && !method.equals("HEAD")) {
      throw new Refused(405, "only changes are posted");
    } else if (path.equals("/about")) {
      Replies.json(exchange, about());
    } else if (path.equals("/live")) {
      live.stream(exchange);
    } else if (path.startsWith("/ask/")) {
      Replies.json(
          exchange,
          questions.answer(
              path.substring("/ask/".length()),
              parameters(exchange.getRequestURI().getRawQuery())));
    } else {
      file(exchange, path);
    }
  }

  private void file(HttpExchange exchange, String path) throws IOException, Refused {
    StaticFile file = files.at(path);
    if (file == null) {
      throw new Refused(404, "there is nothing at this address");
    }
    Replies.send(exchange, 200, file.type(), file.bytes());
  }

  private String about() {
    return "{\"where\":"
        + JsonText.quoted(source.where())
        + ",\"schema\":"
        + JsonText.quoted(source.schema())
        + ",\"changes\":"
        + doorman.letsChange()
        + "}";
  }

  private void change(HttpExchange exchange, String function) throws IOException, Refused {
    if (!exchange.getRequestMethod().equals("POST")) {
      throw new Refused(405, "changes are posted");
    }
    Refusal refusal = doorman.refusalOfChange(exchange.getRequestHeaders());
    if (refusal != null) {
      throw new Refused(refusal.status(), refusal.why());
    }
    String type = exchange.getRequestHeaders().getFirst("Content-Type");
    if (type == null || !type.startsWith("application/json")) {
      throw new Refused(415, "changes are sent as application/json");
    }
    Turns.go(State.READS);
    byte[] arguments = exchange.getRequestBody().readNBytes(MOST_BYTES + 1);
    Turns.go(State.WORKS);
    if (arguments.length > MOST_BYTES) {
      throw new Refused(413, "that is more than a change can be");
    }
    String result = changes.change(function, new String(arguments, StandardCharsets.UTF_8));
    live.wantLook();
    Replies.json(exchange, result);
  }

  private static Map<String, List<String>> parameters(@Nullable String query) throws Refused {
    Map<String, List<String>> parameters = new LinkedHashMap<>();
    try {
      for (String pair : query == null ? new String[0] : query.split("&")) {
        int equals = pair.indexOf('=');
        String name = equals < 0 ? pair : pair.substring(0, equals);
        String value = equals < 0 ? "" : pair.substring(equals + 1);
        parameters.computeIfAbsent(decoded(name), key -> new ArrayList<>()).add(decoded(value));
      }
      return parameters;
    } catch (IllegalArgumentException e) {
      throw new Refused(400, "the address is not understood: " + e.getMessage(), e);
    }
  }

  private static String decoded(String text) {
    return URLDecoder.decode(text, StandardCharsets.UTF_8);
  }

  static Thread daemon(Runnable work) {
    Thread thread = new Thread(work, "pgkeeper-ui");
    thread.setDaemon(true);
    return thread;
  }

  /** Lets go of those who watch, and of the database. */
  @Override
  public void close() {
    live.close();
    looking.interrupt();
    server.stop(0);
    turns.close();
    try {
      questions.close();
    } catch (SQLException e) {
      LOG.debug("A connection was broken when the page was closed", e);
    }
  }
}
