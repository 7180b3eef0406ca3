package dev.pgkeeper.cli.demo;

import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.Subscription;
import dev.pgkeeper.cli.command.Logs;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.EventType;
import dev.pgkeeper.tree.Tree;
import dev.pgkeeper.tree.WatchMode;
import java.nio.charset.StandardCharsets;

/**
 * The main class of the demo's other processes: joins the group, watches the configuration, says on
 * standard output what it is told, and leaves when a line is sent to it. Without the process that
 * started it, it ends at once.
 */
final class DemoMember {
  private DemoMember() {}

  public static void main(String[] arguments) throws Exception {
    Logs.quiet("error");
    String name = arguments[2];
    try (HikariDataSource pool =
            Stage.pool(arguments[0], arguments[1], System.getenv("PGPASSWORD"));
        Keeper keeper =
            Keeper.connect(pool, KeeperOptions.defaults().withClientName("demo " + name))) {
      Tree tree = keeper.tree();
      Subscription told = keeper.onStateChange(state -> say("state " + Moment.now() + " " + state));
      tree.watch(
          Stage.CONFIG,
          WatchMode.PERSISTENT,
          event -> {
            if (event.type() == EventType.NODE_DATA_CHANGED) {
              Moment heard = Moment.now();
              byte[] data = tree.get(Stage.CONFIG).data();
              say("heard " + heard + " " + new String(data, StandardCharsets.UTF_8));
            }
          });
      byte[] pid = Long.toString(ProcessHandle.current().pid()).getBytes(StandardCharsets.UTF_8);
      tree.create(Stage.MEMBERS + "/" + name, pid, CreateMode.EPHEMERAL);
      say("joined " + keeper.session().id());
      if (System.in.read() < 0) {
        Runtime.getRuntime().halt(1);
      }
      told.close();
    }
  }

  private static synchronized void say(String line) {
    System.out.println(line);
  }
}
