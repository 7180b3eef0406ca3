package dev.pgkeeper.cli.demo;

import dev.pgkeeper.Keeper;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** A server of the demo's own, the schema, the first session. */
final class OpeningChapter {
  private static final List<String> DURABLE =
      List.of("fsync", "synchronous_commit", "full_page_writes");

  private OpeningChapter() {}

  static void play(Stage stage) throws Exception {
    Story story = stage.story();
    story.chapter("A PostgreSQL of its own, as durable as one in production");
    long began = System.nanoTime();
    stage.startServer();
    String took = Story.text(Story.since(began));
    try (Connection connection = stage.connection()) {
      String version = setting(connection, "server_version");
      story.tell("PostgreSQL " + version + " takes connections after " + took + ".");
      List<String> found = new ArrayList<>();
      for (String name : DURABLE) {
        found.add(setting(connection, name));
      }
      story.tell(
          found.stream().collect(Collectors.joining(", ", String.join(", ", DURABLE) + ": ", ".")));
      story.check(found.equals(List.of("on", "on", "on")), "nothing committed can be lost");
    }
    began = System.nanoTime();
    Keeper.migrate(stage.pool());
    story.call("Keeper.migrate(dataSource)", "took " + Story.text(Story.since(began)));
    began = System.nanoTime();
    Keeper keeper = stage.connect();
    story.call(
        "Keeper.connect(dataSource)",
        "session " + keeper.session().id() + ", took " + Story.text(Story.since(began)));
  }

  private static String setting(Connection connection, String name) throws Exception {
    return Table.query(connection, "SHOW " + name).get(1).get(0);
  }
}
