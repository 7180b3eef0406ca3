package dev.pgkeeper.ui;

import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Installed;
import dev.pgkeeper.testing.RunDirectory;
import dev.pgkeeper.testing.TestFiles;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A headless Chromium with one tab, driven over its DevTools protocol. Values come out of the tab
 * as Base64, so that answers need not be parsed.
 */
final class Browser implements AutoCloseable {

  private static final Pattern LISTENING = Pattern.compile("ws://127\\.0\\.0\\.1:(\\d+)/");
  private static final Pattern SOCKET =
      Pattern.compile("\"webSocketDebuggerUrl\": \"(ws://[^\"]+/page/[^\"]+)\"");
  private static final Pattern ID = Pattern.compile("^\\{\"id\":(\\d+),");
  private static final Pattern VALUE = Pattern.compile("\"value\":\"([A-Za-z0-9+/=]*)\"");
  private static final Pattern DATA = Pattern.compile("\"data\":\"([A-Za-z0-9+/=]*)\"");

  private final Path home;
  private final Process process;
  private final WebSocket socket;
  private final AtomicLong ids = new AtomicLong();
  private final Map<Long, CompletableFuture<String>> replies = new ConcurrentHashMap<>();

  private Browser() throws IOException, InterruptedException {
    home = RunDirectory.newDirectory("browser");
    ProcessBuilder chromium =
        new ProcessBuilder(
                Installed.need("chromium").toString(),
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-software-rasterizer",
                "--in-process-gpu",
                "--no-zygote",
                "--renderer-process-limit=1",
                // One process shows every page: to start one costs half a second.
                "--disable-site-isolation-trials",
                "--disable-features=IsolateOrigins,site-per-process,SpareRendererForSitePerProcess,ProactivelySwapBrowsingInstances",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--hide-scrollbars",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-default-apps",
                "--disable-extensions",
                "--disable-sync",
                "--no-pings",
                "--remote-debugging-port=0",
                "--user-data-dir=" + home,
                "about:blank")
            .redirectErrorStream(true);
    chromium.environment().put("TMPDIR", home.toString());
    process = chromium.start();
    int port = debuggingPort();
    HttpClient http = HttpClient.newHttpClient();
    socket = http.newWebSocketBuilder().buildAsync(tab(http, port), new Replies()).join();
    send("Page.enable", "{}");
    send("Runtime.enable", "{}");
  }

  /** Without Chromium, the tests are left out. */
  static Browser open() {
    try {
      return new Browser();
    } catch (IOException e) {
      throw new UncheckedIOException("Chromium could not be started", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while Chromium started", e);
    }
  }

  private int debuggingPort() throws IOException {
    BufferedReader out =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    List<String> said = new ArrayList<>();
    for (String line = out.readLine(); line != null; line = out.readLine()) {
      said.add(line);
      Matcher listening = LISTENING.matcher(line);
      if (listening.find()) {
        Thread drain = new Thread(() -> out.lines().forEach(more -> {}), "chromium-output");
        drain.setDaemon(true);
        drain.start();
        return Integer.parseInt(listening.group(1));
      }
    }
    throw new IOException("Chromium ended: " + String.join("\n", said));
  }

  private static URI tab(HttpClient http, int port) throws IOException, InterruptedException {
    HttpRequest list =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/json/list")).build();
    long deadline = System.nanoTime() + Await.LIMIT.toNanos();
    while (System.nanoTime() < deadline) {
      Matcher found = SOCKET.matcher(http.send(list, HttpResponse.BodyHandlers.ofString()).body());
      if (found.find()) {
        return URI.create(found.group(1));
      }
      Await.pause(Duration.ofMillis(50));
    }
    throw new IOException("Chromium has no tab");
  }

  /** Goes to an address and waits until it is there. */
  void go(String address) {
    send("Page.navigate", "{\"url\":\"about:blank\"}");
    until("location.href === 'about:blank'");
    send("Page.navigate", "{\"url\":" + JsonText.quoted(address) + "}");
    until("location.href !== 'about:blank' && document.readyState === 'complete'");
  }

  /** The width and height of the window, and whether dark colours are preferred. */
  void look(int width, int height, boolean dark) {
    send(
        "Emulation.setDeviceMetricsOverride",
        "{\"width\":%d,\"height\":%d,\"deviceScaleFactor\":1,\"mobile\":false}"
            .formatted(width, height));
    send(
        "Emulation.setEmulatedMedia",
        "{\"features\":[{\"name\":\"prefers-color-scheme\",\"value\":\"%s\"}]}"
            .formatted(dark ? "dark" : "light"));
  }

  /** What an expression is, as text. */
  String value(String expression) {
    return valueIn(expression, evaluate(expression));
  }

  private String evaluate(String expression) {
    String encoded =
        "(async () => btoa(unescape(encodeURIComponent(String(await (" + expression + "))))))()";
    return send(
        "Runtime.evaluate",
        "{\"expression\":"
            + JsonText.quoted(encoded)
            + ",\"awaitPromise\":true,\"returnByValue\":true,\"userGesture\":true}");
  }

  private static String valueIn(String expression, String reply) {
    Matcher value = VALUE.matcher(reply);
    if (reply.contains("\"exceptionDetails\"") || !value.find()) {
      throw new AssertionError(expression + ": " + reply);
    }
    return new String(Base64.getDecoder().decode(value.group(1)), StandardCharsets.UTF_8);
  }

  /** Waits until an expression is true. The page looks itself: to be asked keeps it busy. */
  void until(String expression) {
    String isSo =
        "(async () => { for (let i = 0; i < 40 && !(%1$s); i++) await new Promise(next => setTimeout(next, 25)); return Boolean(%1$s) })()"
            .formatted(expression);
    Await.until(
        () -> expression + "; the page says: " + value("document.body?.innerText"),
        () -> {
          String reply = evaluate(isSo);
          return !isLeft(reply) && valueIn(isSo, reply).equals("true");
        });
  }

  /** The page went elsewhere meanwhile. */
  private static boolean isLeft(String reply) {
    return reply.contains("Execution context was destroyed")
        || reply.contains("Inspected target navigated or closed");
  }

  /** Waits until an element's text has this. */
  void untilText(String selector, String text) {
    until(
        "document.querySelector(%s)?.innerText.includes(%s)"
            .formatted(JsonText.quoted(selector), JsonText.quoted(text)));
  }

  /** The text of an element. */
  String text(String selector) {
    return value("document.querySelector(%s).innerText".formatted(JsonText.quoted(selector)));
  }

  /** Clicks on an element as soon as it is there. */
  void click(String selector) {
    String element = "document.querySelector(" + JsonText.quoted(selector) + ")";
    until(element);
    value(element + ".click()");
  }

  /** Types into an input. */
  void type(String selector, String text) {
    value("document.querySelector(%s).focus()".formatted(JsonText.quoted(selector)));
    send("Input.insertText", "{\"text\":" + JsonText.quoted(text) + "}");
  }

  /** Presses a key, as it is called in a KeyboardEvent. */
  void press(String key) {
    String event = "{\"type\":\"%s\",\"key\":%s%s}";
    String text = key.length() == 1 ? ",\"text\":" + JsonText.quoted(key) : "";
    String enter = ",\"text\":\"\\r\",\"windowsVirtualKeyCode\":13";
    send(
        "Input.dispatchKeyEvent",
        event.formatted("keyDown", JsonText.quoted(key), key.equals("Enter") ? enter : text));
    send("Input.dispatchKeyEvent", event.formatted("keyUp", JsonText.quoted(key), ""));
  }

  /** A picture of the whole page. */
  void picture(Path file) throws IOException {
    Matcher data =
        DATA.matcher(
            send("Page.captureScreenshot", "{\"format\":\"png\",\"captureBeyondViewport\":true}"));
    if (!data.find()) {
      throw new AssertionError("no picture");
    }
    Files.write(file, Base64.getDecoder().decode(data.group(1)));
  }

  private String send(String method, String parameters) {
    long id = ids.incrementAndGet();
    CompletableFuture<String> reply = new CompletableFuture<>();
    replies.put(id, reply);
    socket.sendText(
        "{\"id\":%d,\"method\":\"%s\",\"params\":%s}".formatted(id, method, parameters), true);
    try {
      return reply.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(method, e);
    } catch (ExecutionException | TimeoutException e) {
      throw new AssertionError(method + " " + parameters, e);
    } finally {
      replies.remove(id);
    }
  }

  /** Puts messages together and hands each reply to whoever asked. */
  private final class Replies implements WebSocket.Listener {
    private final StringBuilder message = new StringBuilder();

    @Override
    public CompletionStage<?> onText(WebSocket webSocket, CharSequence part, boolean last) {
      message.append(part);
      if (last) {
        Matcher id = ID.matcher(message);
        if (id.find()) {
          CompletableFuture<String> reply = replies.get(Long.parseLong(id.group(1)));
          if (reply != null) {
            reply.complete(message.toString());
          }
        }
        message.setLength(0);
      }
      webSocket.request(1);
      return CompletableFuture.completedStage(null);
    }
  }

  @Override
  public void close() throws IOException {
    List<ProcessHandle> all = new ArrayList<>(process.descendants().toList());
    all.add(process.toHandle());
    all.forEach(ProcessHandle::destroyForcibly);
    all.forEach(each -> each.onExit().join());
    TestFiles.deleteRecursively(home);
  }
}
