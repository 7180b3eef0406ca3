package dev.pgkeeper.ui;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TestDatabase;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What the page's server answers, to whom, and what it keeps to itself. */
class PageServerTest {
  private static TestDatabase database;
  private static Scene scene;
  private static Page showing;
  private static Page changing;

  @BeforeAll
  static void open() throws Exception {
    database = TestDatabase.fresh();
    database.execute("CREATE ROLE " + role("inspector") + "; CREATE ROLE " + role("operator"));
    database.execute("CALL ${schema}.grant_inspector('" + role("inspector") + "')");
    database.execute("CALL ${schema}.grant_operator('" + role("operator") + "')");
    scene = new Scene(database);
    showing = Page.open(new TestSource(database, role("inspector")), 0, false);
    changing = Page.open(new TestSource(database, role("operator")), 0, true);
    changesToken = tokenOf(changing);
  }

  @AfterAll
  static void close() {
    changing.close();
    showing.close();
    scene.close();
    database.execute("DROP OWNED BY " + role("inspector") + ", " + role("operator"));
    database.execute("DROP ROLE " + role("inspector") + ", " + role("operator"));
    database.close();
  }

  private static String role(String kind) {
    return database.roleName(kind);
  }

  /** The status line, the headers and the body that a request is answered with. */
  private record Answer(int status, List<String> headers, String body) {
    boolean has(String header) {
      return headers.stream().anyMatch(header::equalsIgnoreCase);
    }
  }

  private static int port(Page page) {
    return URI.create(page.address()).getPort();
  }

  /** A request as bytes, since no client of Java's lets a test lie about its host. */
  private static Answer send(Page page, String first, String body, String... headers)
      throws IOException {
    try (Socket socket = new Socket("127.0.0.1", port(page))) {
      socket.setSoTimeout((int) Await.LIMIT.toMillis());
      String request =
          first
              + " HTTP/1.1\r\nConnection: close\r\nContent-Length: "
              + body.getBytes(StandardCharsets.UTF_8).length
              + "\r\n"
              + List.of(headers).stream().map(h -> h + "\r\n").collect(Collectors.joining())
              + "\r\n"
              + body;
      socket.getOutputStream().write(request.getBytes(StandardCharsets.UTF_8));
      BufferedReader in =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
      List<String> lines = in.lines().toList();
      int end = lines.indexOf("");
      return new Answer(
          Integer.parseInt(lines.get(0).split(" ")[1]),
          lines.subList(1, end),
          String.join("\n", lines.subList(end + 1, lines.size())));
    }
  }

  private static String host(Page page) {
    return "Host: 127.0.0.1:" + port(page);
  }

  private static Answer get(Page page, String path, String... headers) throws IOException {
    String[] all = new String[headers.length + 1];
    all[0] = host(page);
    System.arraycopy(headers, 0, all, 1, headers.length);
    return send(page, "GET " + path, "", all);
  }

  private static Answer change(String function, String arguments, String... headers)
      throws IOException {
    return changeOn(changing, function, arguments, headers);
  }

  private static Answer changeOn(Page page, String function, String arguments, String... headers)
      throws IOException {
    String[] all = new String[headers.length + 2];
    all[0] = host(page);
    all[1] = "Content-Type: application/json";
    System.arraycopy(headers, 0, all, 2, headers.length);
    return send(page, "POST /change/" + function, arguments, all);
  }

  private static String changesToken;

  private static String token() {
    return "X-Pgkeeper-Token: " + changesToken;
  }

  private static Answer enter(Page page, String key) throws IOException {
    return send(page, "POST /enter", "", host(page), "X-Pgkeeper-Link: " + key);
  }

  private static String linkKey(Page page) {
    return page.link().replaceAll(".*#link=", "");
  }

  /** What the link is exchanged for. */
  private static String tokenOf(Page page) throws IOException {
    return enter(page, linkKey(page)).body().replaceAll(".*:\"|\"}", "");
  }

  private static boolean isPaused() {
    return database.queryLong("SELECT count(paused) FROM ${schema}.queues") == 1;
  }

  private static final String PAUSE = "{\"queue\":\"mails\",\"why\":\"a test\"}";

  @Test
  void itIsServedWithWhatKeepsABrowserFromDoingMore() throws IOException {
    Answer answer = get(showing, "/");
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.body()).startsWith("<!doctype html>");
    assertThat(answer.headers())
        .anySatisfy(
            header ->
                assertThat(header)
                    .startsWithIgnoringCase("Content-Security-Policy: default-src 'none'")
                    .contains("script-src 'self'", "frame-ancestors 'none'", "require-trusted")
                    .doesNotContain("unsafe"));
    assertThat(answer.has("X-Content-Type-Options: nosniff")).isTrue();
    assertThat(answer.has("X-Frame-Options: DENY")).isTrue();
    assertThat(answer.has("Cache-Control: no-store")).isTrue();
    assertThat(answer.headers())
        .noneMatch(header -> header.toLowerCase().startsWith("access-control"));
  }

  @Test
  void nothingOfItIsLoadedFromElsewhere() throws IOException {
    assertThat(get(showing, "/").body() + get(showing, "/page.js").body())
        .doesNotContain("http:", "https:", "//cdn");
    assertThat(get(showing, "/page.css").body()).doesNotContain("url(", "@import");
  }

  @Test
  void onlyThisMachineReachesIt() throws SocketException {
    assertThat(showing.address()).startsWith("http://127.0.0.1:");
    NetworkInterface.networkInterfaces()
        .flatMap(NetworkInterface::inetAddresses)
        .filter(address -> !address.isLoopbackAddress() && !address.isLinkLocalAddress())
        .forEach(address -> assertThat(connects(address)).as(address.toString()).isFalse());
  }

  private static boolean connects(InetAddress address) {
    try (Socket socket = new Socket(address, port(showing))) {
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void aNameThatWasMadeToResolveHereIsRefused() throws IOException {
    int port = port(showing);
    for (String host :
        List.of(
            "evil.example:" + port, "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.example:" + port)) {
      Answer answer = send(showing, "GET /ask/tree", "", "Host: " + host);
      assertThat(answer.status()).as(host).isEqualTo(421);
      assertThat(answer.body()).as(host).doesNotContain("services");
    }
    assertThat(send(showing, "GET /ask/tree", "").status()).isGreaterThanOrEqualTo(400);
    assertThat(send(showing, "GET /ask/tree", "", "Host: evil.example", host(showing)).status())
        .isEqualTo(421);
    assertThat(send(showing, "GET /ask/tree", "", "Host: localhost:" + port).status())
        .isEqualTo(200);
  }

  @Test
  void anotherOriginIsRefused() throws IOException {
    String own = "Origin: http://127.0.0.1:" + port(changing);
    for (String origin :
        List.of(
            "http://evil.example",
            "null",
            "http://127.0.0.1:1",
            "http://localhost:" + port(changing))) {
      assertThat(get(changing, "/ask/tree", "Origin: " + origin).status())
          .as(origin)
          .isEqualTo(403);
      assertThat(change("pause_queue", PAUSE, token(), "Origin: " + origin).status())
          .as(origin)
          .isEqualTo(403);
    }
    assertThat(isPaused()).isFalse();
    assertThat(get(changing, "/ask/tree", own).status()).isEqualTo(200);
  }

  @Test
  void aRequestOfAnotherSitesPageIsRefused() throws IOException {
    for (String site : List.of("cross-site", "same-site")) {
      assertThat(get(changing, "/", "Sec-Fetch-Site: " + site).status()).isEqualTo(403);
      assertThat(get(changing, "/live", "Sec-Fetch-Site: " + site).status()).isEqualTo(403);
      assertThat(change("pause_queue", PAUSE, token(), "Sec-Fetch-Site: " + site).status())
          .isEqualTo(403);
    }
    assertThat(isPaused()).isFalse();
    assertThat(get(changing, "/", "Sec-Fetch-Site: none").status()).isEqualTo(200);
  }

  @Test
  void aChangeNeedsTheToken() throws IOException {
    assertThat(change("pause_queue", PAUSE).status()).isEqualTo(401);
    assertThat(change("pause_queue", PAUSE, "X-Pgkeeper-Token: ").status()).isEqualTo(401);
    assertThat(change("pause_queue", PAUSE, token() + "0").status()).isEqualTo(401);
    assertThat(isPaused()).isFalse();
    assertThat(database.queryLong("SELECT count(*) FROM ${schema}.operations")).isZero();

    assertThat(change("pause_queue", PAUSE, token()).body()).contains("\"true\"");
    assertThat(isPaused()).isTrue();
    assertThat(database.queryString("SELECT why FROM ${schema}.operations")).isEqualTo("a test");
    assertThat(change("resume_queue", PAUSE, token()).status()).isEqualTo(200);
    database.execute("DELETE FROM ${schema}.operation");
  }

  @Test
  void eachPageHasATokenOfItsOwn() throws IOException {
    try (Page other = Page.open(new TestSource(database, role("operator")), 0, true)) {
      assertThat(linkKey(other)).hasSize(32);
      assertThat(tokenOf(other)).hasSize(32).isNotEqualTo(changesToken);
    }
  }

  /** As it is found in a browser's history, in a terminal or in a log. */
  @Test
  void aLinkThatWasUsedIsWorthNothing() throws IOException {
    try (Page page = Page.open(new TestSource(database, role("operator")), 0, true)) {
      String key = linkKey(page);
      assertThat(enter(page, "0".repeat(32)).status()).isEqualTo(403);
      assertThat(
              send(page, "POST /enter", "", host(page), "X-Pgkeeper-Link: " + key, "Origin: null")
                  .status())
          .isEqualTo(403);
      assertThat(
              send(page, "POST /enter", "", "Host: evil.example", "X-Pgkeeper-Link: " + key)
                  .status())
          .isEqualTo(421);
      assertThat(get(page, "/enter", "X-Pgkeeper-Link: " + key).status()).isEqualTo(404);
      Answer first = enter(page, key);
      assertThat(first.status()).isEqualTo(200);
      assertThat(first.headers())
          .noneMatch(header -> header.toLowerCase().startsWith("set-cookie"));
      assertThat(first.body()).doesNotContain(key);
      assertThat(page.link()).isEqualTo(page.address());
      Answer second = enter(page, key);
      assertThat(second.status()).isEqualTo(403);
      assertThat(second.body()).contains("used before", "start pgkeeper ui again");
      assertThat(changeOn(page, "pause_queue", PAUSE, "X-Pgkeeper-Token: " + key).status())
          .isEqualTo(401);
    }
  }

  @Test
  void aPageThatShowsChangesNothing() throws IOException {
    assertThat(showing.link()).isEqualTo(showing.address());
    assertThat(enter(showing, "").status()).isEqualTo(403);
    assertThat(changeOn(showing, "pause_queue", PAUSE, token()).status()).isEqualTo(403);
    assertThat(isPaused()).isFalse();
  }

  @Test
  void aChangeOfAnInspectorIsRefusedByTheDatabase() throws IOException {
    try (Page page = Page.open(new TestSource(database, role("inspector")), 0, true)) {
      Answer answer = changeOn(page, "pause_queue", PAUSE, "X-Pgkeeper-Token: " + tokenOf(page));
      assertThat(answer.status()).isEqualTo(403);
      assertThat(answer.body()).contains("permission denied");
    }
    assertThat(isPaused()).isFalse();
  }

  @Test
  void aChangeThatIsNotUnderstoodIsRefused() throws IOException {
    assertThat(change("pause_queue", "{\"queue\":\"mails\",\"why\":\" \"}", token()).status())
        .isEqualTo(400);
    assertThat(change("pause_queue", "no json", token()).status()).isEqualTo(400);
    assertThat(change("pause_queue", "{\"queue\":\"none\",\"why\":\"x\"}", token()).status())
        .isEqualTo(404);
    assertThat(change("purge_queue", PAUSE, token()).status()).isEqualTo(404);
    assertThat(change("pause_queue", "{\"why\":\"" + "x".repeat(20_000) + "\"}", token()).status())
        .isEqualTo(413);
    assertThat(
            send(
                    changing,
                    "POST /change/pause_queue",
                    PAUSE,
                    host(changing),
                    token(),
                    "Content-Type: text/plain")
                .status())
        .isEqualTo(415);
    assertThat(get(changing, "/change/pause_queue", token()).status()).isEqualTo(405);
    assertThat(send(changing, "POST /ask/tree", "", host(changing)).status()).isEqualTo(405);
    assertThat(isPaused()).isFalse();
  }

  @Test
  void onlyItsOwnFilesAreServed() throws IOException {
    for (String path :
        List.of(
            "/Page.class",
            "/../ui/Page.class",
            "/%2e%2e/cli/Main.class",
            "//etc/passwd",
            "/ask/session")) {
      assertThat(get(showing, path).status()).as(path).isEqualTo(404);
    }
    assertThat(get(showing, "/ask/tree?path=%zz").status()).isGreaterThanOrEqualTo(400);
    assertThat(get(showing, "/ask/tree?most=1000000").status()).isEqualTo(400);
    assertThat(get(showing, "/ask/held_at?path=/x&at=noon-ish").status()).isEqualTo(400);
  }

  @Test
  void anInspectorSeesEverythingButPayloads() throws IOException {
    StringBuilder all = new StringBuilder();
    for (String path :
        List.of("/ask/tree?path=/&path=/services&path=/services/mail/m-1", "/ask/history")) {
      Answer answer = get(showing, path);
      assertThat(answer.status()).as(path).isEqualTo(200);
      all.append(answer.body());
    }
    try (Socket socket = new Socket("127.0.0.1", port(showing))) {
      socket.setSoTimeout((int) Await.LIMIT.toMillis());
      socket
          .getOutputStream()
          .write(("GET /live HTTP/1.1\r\n" + host(showing) + "\r\n\r\n").getBytes());
      BufferedReader in =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
      for (String line = in.readLine(); !line.contains("\"next\""); line = in.readLine()) {
        all.append(line);
      }
    }
    assertThat(all)
        .contains(Scene.ORDER, "orders-1", "node-2", "mails", "report", "/services/mail/m-1")
        .doesNotContain(Scene.SECRET, "a payload");
  }

  /** What another user of the machine can do: begin requests, and go on with none. */
  private static Socket halfSent(Page page, String sent) throws IOException {
    Socket socket = new Socket("127.0.0.1", port(page));
    socket.getOutputStream().write(sent.getBytes(StandardCharsets.UTF_8));
    return socket;
  }

  @Test
  void whoBeginsRequestsAndDoesNotGoOnKeepsNobodyOut() throws Exception {
    List<String> halves =
        List.of(
            "GET / HTTP/1.1\r\nHo",
            "G",
            "POST /change/pause_queue HTTP/1.1\r\n"
                + host(changing)
                + "\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
            "POST /change/pause_queue HTTP/1.1\r\n"
                + host(changing)
                + "\r\n"
                + token()
                + "\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
            "GET /live HTTP/1.1\r\n" + host(changing) + "\r\n\r\n");
    List<Socket> sockets = new ArrayList<>();
    try {
      for (int i = 0; i < 200; i++) {
        sockets.add(halfSent(changing, halves.get(i % halves.size())));
      }
      assertThat(get(changing, "/").body()).startsWith("<!doctype html>");
      assertThat(get(changing, "/ask/tree").status()).isEqualTo(200);
      assertThat(change("pause_queue", PAUSE, token()).status()).isEqualTo(200);
      assertThat(change("resume_queue", PAUSE, token()).status()).isEqualTo(200);
      database.execute("DELETE FROM ${schema}.operation");
      try (Socket live = halfSent(changing, halves.get(4))) {
        live.setSoTimeout((int) Await.LIMIT.toMillis());
        BufferedReader in =
            new BufferedReader(
                new InputStreamReader(live.getInputStream(), StandardCharsets.UTF_8));
        assertThat(in.lines().anyMatch(line -> line.contains("\"next\""))).isTrue();
      }
    } finally {
      for (Socket each : sockets) {
        each.close();
      }
    }
  }
}
