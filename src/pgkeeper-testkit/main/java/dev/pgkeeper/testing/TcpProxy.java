package dev.pgkeeper.testing;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.postgresql.Driver;
import org.postgresql.PGProperty;

/**
 * A network between a client and its database, to be broken: as a whole, in one direction, or at
 * one request.
 */
public final class TcpProxy implements AutoCloseable {

  /** What becomes of one request and of its reply. */
  public enum Fate {
    PASSES,
    /** The connection breaks before it. */
    REQUEST_LOST,
    /** The connection breaks in its middle. */
    REQUEST_TORN,
    /** The connection breaks right behind it: the server may do it now, later or never. */
    LEFT_BEHIND,
    /** The connection breaks when the server has answered. */
    REPLY_LOST,
    /** The connection breaks in the middle of the answer. */
    REPLY_TORN
  }

  /** So that a connection gets to its first query. */
  private static final int REQUESTS_OF_A_START = 3;

  private final ServerSocket entrance;
  private final String host;
  private final int port;
  private final Set<Link> links = ConcurrentHashMap.newKeySet();
  private final Map<Fate, Integer> fates = new EnumMap<>(Fate.class);
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition mended = lock.newCondition();
  private Supplier<Fate> fate = () -> Fate.PASSES;
  private boolean cut;
  private boolean toServerStalls;
  private boolean toClientStalls;
  private Duration latency = Duration.ZERO;

  private TcpProxy(String host, int port) throws IOException {
    this.host = host;
    this.port = port;
    this.entrance = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    start("proxy-entrance", this::letIn);
  }

  /** A proxy before the server that the URL names. */
  public static TcpProxy before(String jdbcUrl) {
    Properties parsed = Driver.parseURL(jdbcUrl, new Properties());
    try {
      return new TcpProxy(
          PGProperty.PG_HOST.getOrDefault(parsed),
          Integer.parseInt(PGProperty.PG_PORT.getOrDefault(parsed)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The URL, through this proxy. */
  public String through(String jdbcUrl) {
    return jdbcUrl.replaceFirst("//[^/]*/", "//127.0.0.1:" + entrance.getLocalPort() + "/");
  }

  /** Breaks every connection; new ones are let in. */
  public void breakAll() {
    links.forEach(Link::close);
  }

  /** Breaks every connection as a machine does that knows nothing of it: with a reset. */
  public void resetAll() {
    links.forEach(Link::reset);
  }

  /**
   * Breaks every connection to the server, and tells the clients nothing: what they send goes
   * nowhere until {@link #mend}. New ones are let in.
   */
  public void leaveHalfOpen() {
    links.forEach(Link::leaveHalfOpen);
  }

  /** Whatever passes takes so much longer, until {@link #mend}. */
  public void delay(Duration longer) {
    set(() -> latency = longer);
  }

  /** Breaks every connection and refuses new ones until {@link #mend}. */
  public void cut() {
    set(() -> cut = true);
    breakAll();
  }

  /** What clients send is kept back, on new connections too, until {@link #mend}. */
  public void stallToServer() {
    set(() -> toServerStalls = true);
  }

  /** What the server answers is kept back until {@link #mend}. */
  public void stallToClient() {
    set(() -> toClientStalls = true);
  }

  /**
   * Everything passes again; what was kept back is delivered, and half of a connection is closed.
   */
  public void mend() {
    set(
        () -> {
          cut = false;
          toServerStalls = false;
          toClientStalls = false;
          latency = Duration.ZERO;
        });
    links.stream().filter(link -> link.halfOpen).forEach(Link::close);
  }

  /** Asked for each request from now on. */
  public void decideBy(Supplier<Fate> decision) {
    set(() -> fate = decision);
  }

  /** How many requests had each fate. */
  public Map<Fate, Integer> fates() {
    lock.lock();
    try {
      return new EnumMap<>(fates);
    } finally {
      lock.unlock();
    }
  }

  private void set(Runnable change) {
    lock.lock();
    try {
      change.run();
      mended.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    closeQuietly(entrance);
    cut();
  }

  private void letIn() {
    while (!entrance.isClosed()) {
      try {
        Socket client = entrance.accept();
        if (isCut()) {
          closeQuietly(client);
        } else {
          new Link(client).start();
        }
      } catch (IOException e) {
        // the server is away, or this proxy is closed
      }
    }
  }

  private boolean isCut() {
    lock.lock();
    try {
      return cut;
    } finally {
      lock.unlock();
    }
  }

  private Fate nextFate() {
    lock.lock();
    try {
      Fate next = fate.get();
      fates.merge(next, 1, Integer::sum);
      return next;
    } finally {
      lock.unlock();
    }
  }

  /** One connection. */
  private final class Link {
    private final Socket client;
    private final Socket server;
    private int requests;
    private volatile Fate current = Fate.PASSES;
    private volatile boolean closed;
    private volatile boolean halfOpen;

    Link(Socket client) throws IOException {
      this.client = client;
      try {
        this.server = new Socket(host, port);
        client.setTcpNoDelay(true);
        server.setTcpNoDelay(true);
      } catch (IOException e) {
        closeQuietly(client);
        throw e;
      }
    }

    void start() {
      links.add(this);
      if (isCut()) {
        close();
      }
      TcpProxy.start("proxy-to-server", () -> pump(client, server, true));
      TcpProxy.start("proxy-to-client", () -> pump(server, client, false));
    }

    private void pump(Socket from, Socket to, boolean toServer) {
      byte[] buffer = new byte[1 << 16];
      try {
        InputStream in = from.getInputStream();
        OutputStream out = to.getOutputStream();
        for (int length = in.read(buffer); length >= 0; length = in.read(buffer)) {
          if (!mayPass(toServer)) {
            return;
          }
          if (halfOpen) {
            continue;
          }
          if (toServer) {
            toServer(out, buffer, length);
          } else {
            toClient(out, buffer, length);
          }
        }
      } catch (IOException e) {
        // one of the two went
      } finally {
        // The client's own end of it is for the client to give up.
        if (!halfOpen || toServer) {
          close();
        }
      }
    }

    private void toServer(OutputStream out, byte[] buffer, int length) throws IOException {
      current = ++requests > REQUESTS_OF_A_START ? nextFate() : Fate.PASSES;
      switch (current) {
        case REQUEST_LOST -> close();
        case REQUEST_TORN -> {
          out.write(buffer, 0, length / 2);
          close();
        }
        case LEFT_BEHIND -> {
          out.write(buffer, 0, length);
          close();
        }
        default -> out.write(buffer, 0, length);
      }
    }

    private void toClient(OutputStream out, byte[] buffer, int length) throws IOException {
      switch (current) {
        // It may come before the connection is closed.
        case REPLY_LOST, LEFT_BEHIND -> close();
        case REPLY_TORN -> {
          out.write(buffer, 0, length / 2);
          close();
        }
        default -> out.write(buffer, 0, length);
      }
    }

    /** Waits while this direction stalls; false if the connection broke meanwhile. */
    private boolean mayPass(boolean toServer) {
      Duration longer;
      lock.lock();
      try {
        while (!closed && (toServer ? toServerStalls : toClientStalls)) {
          mended.awaitUninterruptibly();
        }
        if (closed) {
          return false;
        }
        longer = latency;
      } finally {
        lock.unlock();
      }
      if (!longer.isZero()) {
        Await.pause(longer);
      }
      return !closed;
    }

    void reset() {
      try {
        client.setSoLinger(true, 0);
        server.setSoLinger(true, 0);
      } catch (SocketException e) {
        // it was closed already
      }
      close();
    }

    void leaveHalfOpen() {
      halfOpen = true;
      closeQuietly(server);
    }

    void close() {
      set(() -> closed = true);
      links.remove(this);
      closeQuietly(client);
      closeQuietly(server);
    }
  }

  private static void start(String name, Runnable task) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    thread.start();
  }

  private static void closeQuietly(AutoCloseable closeable) {
    try {
      closeable.close();
    } catch (Exception e) {
      // it was closed already
    }
  }

  /** Every fate once, and {@code PASSES} as often as said. */
  public static List<Fate> mix(int passing) {
    List<Fate> mix = new ArrayList<>(List.of(Fate.values()));
    mix.remove(Fate.PASSES);
    mix.addAll(Collections.nCopies(passing, Fate.PASSES));
    return mix;
  }
}
