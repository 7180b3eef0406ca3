import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.cache.Setting;
import dev.pgkeeper.cache.Settings;

/**
 * Settings that take effect in running processes, without a restart and without asking the database
 * each time. Its arguments are the URL of a database, and {@code watch}, or a limit to set.
 */
public class LiveSettings {
  private static final Setting<Long> LIMIT = Setting.number("limit", 100);
  private static final Setting<Boolean> OPEN = Setting.flag("open", true);

  public static void main(String[] arguments) throws Exception {
    try (HikariDataSource dataSource = new HikariDataSource()) {
      dataSource.setJdbcUrl(arguments[0]);
      Keeper.migrate(dataSource);
      try (Keeper keeper = Keeper.connect(dataSource)) {
        if (arguments[1].equals("watch")) {
          watch(keeper);
        } else {
          change(keeper, Long.parseLong(arguments[1]));
        }
      }
    }
  }

  private static void watch(Keeper keeper) throws Exception {
    try (Settings settings = keeper.settings("/shop/settings")) {
      // A value that cannot be read is reported, and the one before it stays in force.
      settings.onError(failure -> System.out.println("bad: " + failure.getMessage()));
      // The value as it is now, and then each new one, also after lost sessions.
      settings.onChange(LIMIT, limit -> System.out.println("limit: " + limit));
      System.in.read();
      // Read without a round trip; also while the database is away.
      System.out.println("in the end: " + settings.get(LIMIT) + ", open: " + settings.get(OPEN));
    }
  }

  private static void change(Keeper keeper, long limit) {
    try (Settings settings = keeper.settings("/shop/settings")) {
      // Together, or not at all if somebody closed the shop meanwhile.
      boolean done =
          settings.edit().by("Ada").expect(OPEN, true).set(LIMIT, limit).set(OPEN, false).commit();
      System.out.println(done ? "done" : "the shop is closed");
      settings
          .history(LIMIT)
          .forEach(change -> System.out.println(change.by() + ": " + change.text().orElse("-")));
    }
  }
}
