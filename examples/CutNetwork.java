import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.time.Duration;

/**
 * A holder whose network is cut off hears nothing any more, and neither does the database. The
 * holder stops believing first, by its own clock; then the database gives the lock away; and when
 * the network is back, the holder is told that it lost it. The argument is the URL of a database.
 */
public class CutNetwork {
  private static final KeeperOptions OPTIONS =
      KeeperOptions.defaults()
          .withTimeout(Duration.ofSeconds(6))
          .withOperationTimeout(Duration.ofSeconds(3));

  public static void main(String[] arguments) throws Exception {
    URI server = URI.create(arguments[0].substring("jdbc:".length()));
    int port = server.getPort() < 0 ? 5432 : server.getPort();
    try (Cable cable = new Cable(server.getHost(), port);
        HikariDataSource direct = pool(arguments[0]);
        HikariDataSource throughCable =
            pool(arguments[0].replaceFirst("//[^/]+/", "//localhost:" + cable.port() + "/"))) {
      Keeper.migrate(direct);
      try (Keeper ada = Keeper.connect(throughCable, OPTIONS);
          Keeper bob = Keeper.connect(direct, OPTIONS)) {
        Held adas = ada.lock("/printer").acquire();
        adas.onStateChange(state -> System.out.println("Ada is told: " + state));
        System.out.println("Ada holds the lock, token " + adas.token());

        System.out.println("Ada's network is cut");
        cable.cut();
        try (Held bobs = bob.lock("/printer").acquire(Duration.ofMinutes(1))) {
          System.out.println("Bob holds the lock; does Ada believe she does? " + adas.isHeld());
          System.out.println("Bob's token is larger: " + (bobs.token() > adas.token()));

          System.out.println("Ada's network is mended");
          cable.mend();
          try {
            adas.inTransaction(connection -> {});
          } catch (KeeperException.NotHeld e) {
            System.out.println("Ada's write is refused");
          }
        }
      }
    }
  }

  private static HikariDataSource pool(String url) {
    HikariDataSource pool = new HikariDataSource();
    pool.setJdbcUrl(url);
    return pool;
  }

  /** What goes from here to the server, as long as it is whole. */
  private static final class Cable implements AutoCloseable {
    private final String host;
    private final int port;
    private final ServerSocket entrance;
    private volatile boolean cut;

    Cable(String host, int port) throws IOException {
      this.host = host;
      this.port = port;
      this.entrance = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
      start(this::accept);
    }

    int port() {
      return entrance.getLocalPort();
    }

    void cut() {
      cut = true;
    }

    void mend() {
      cut = false;
    }

    private void accept() {
      try {
        while (true) {
          Socket client = entrance.accept();
          Socket server = new Socket(host, port);
          start(() -> carry(client, server));
          start(() -> carry(server, client));
        }
      } catch (IOException e) {
        // closed
      }
    }

    /** What comes while it is cut is lost, and with it the connection. */
    private void carry(Socket from, Socket to) {
      boolean lost = false;
      byte[] bytes = new byte[8192];
      try (from;
          to) {
        InputStream in = from.getInputStream();
        OutputStream out = to.getOutputStream();
        for (int count = in.read(bytes); count >= 0; count = in.read(bytes)) {
          lost |= cut;
          if (!lost) {
            out.write(bytes, 0, count);
          } else if (!cut) {
            return;
          }
        }
      } catch (IOException e) {
        // one end is closed, and so is the other now
      }
    }

    private static void start(Runnable task) {
      Thread thread = new Thread(task);
      thread.setDaemon(true);
      thread.start();
    }

    @Override
    public void close() {
      try {
        entrance.close();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
