package dev.pgkeeper.cli.demo;

import java.sql.SQLException;
import java.util.List;

/** What anybody with psql sees. */
final class ViewChapter {
  private ViewChapter() {}

  static void play(Stage stage) throws SQLException {
    Story story = stage.story();
    story.chapter("Everything is a row: what psql shows now");
    List<List<String>> sessions =
        stage.show(
            "SELECT session, client, pid, alive, connected, timeout, grace FROM pgkeeper.sessions"
                + " ORDER BY 1");
    story.check(
        column(sessions, 1).equals(List.of("demo", "demo bob")),
        "this process and bob have a session, ada has none");
    List<List<String>> nodes =
        stage.show(
            "SELECT path, kind, version, data_length, children, session FROM pgkeeper.nodes"
                + " ORDER BY 1");
    story.check(
        column(nodes, 0).contains("/demo/members/bob")
            && !column(nodes, 0).contains("/demo/members/ada"),
        "bob's node is there, ada's is not");
    List<List<String>> watchers =
        stage.show("SELECT path, kind, client, pid FROM pgkeeper.watchers ORDER BY 1, 3");
    story.check(
        watchers.stream().anyMatch(w -> w.contains(Stage.CONFIG) && w.contains("demo bob"))
            && watchers.stream().noneMatch(w -> w.contains("demo ada")),
        "bob watches the settings, ada watches nothing any more");
  }

  private static List<String> column(List<List<String>> rows, int number) {
    return rows.stream().skip(1).map(row -> row.get(number)).toList();
  }
}
