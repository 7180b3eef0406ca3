package dev.pgkeeper.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.testing.Logins;
import dev.pgkeeper.testing.TestDatabase;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Where others may create on a role's path, as everybody may in {@code public} up to PostgreSQL 14,
 * an operator of theirs that fits better than PostgreSQL's own runs with the role's rights. The
 * driver binds texts as varchar, for which PostgreSQL has no operators. No command runs theirs.
 */
class HostilePathCommandsTest {
  private static final List<String> TYPES =
      List.of("name, varchar", "text, varchar", "varchar, varchar", "name, text");

  private static TestDatabase database;
  private static Logins logins;

  @BeforeAll
  static void plant() {
    database = TestDatabase.fresh();
    logins = Logins.ofEveryKind(database);
    database.execute(
        "CREATE TABLE public.ran (who text); GRANT ALL ON public.ran TO PUBLIC; GRANT CREATE ON SCHEMA public TO PUBLIC");
    for (String types : TYPES) {
      String[] type = types.split(", ");
      database.execute(
          "CREATE FUNCTION public.evil(a %s, b %s) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.ran VALUES (current_user); RETURN a::text OPERATOR(pg_catalog.=) b::text; END $$"
              .formatted(type[0], type[1]));
      database.execute(
          "CREATE OPERATOR public.= (leftarg = %s, rightarg = %s, function = public.evil)"
              .formatted(type[0], type[1]));
    }
    try (var keeper = database.keeper()) {
      keeper.tree().create("/a", new byte[0]);
    }
  }

  @AfterAll
  static void close() {
    logins.close();
    database.close();
  }

  private static Ran run(String... command) {
    List<String> arguments = new ArrayList<>(List.of(command));
    arguments.addAll(
        List.of(
            "--url",
            database.urlOfNobody(),
            "--schema",
            database.schema(),
            "--user",
            logins.role("operator")));
    return Ran.here(Map.of("PGPASSWORD", "secret"), arguments.toArray(String[]::new));
  }

  @Test
  void noCommandRunsWhatOthersPutOnThePathOfWhoCalls() {
    for (String command :
        List.of(
            "ls /",
            "tree /",
            "stat /a",
            "locks",
            "locks /a",
            "sessions",
            "queues",
            "history",
            "doctor")) {
      Ran ran = run(command.split(" "));
      assertThat(database.queryString("SELECT string_agg(who, ', ') FROM public.ran"))
          .as("who ran others' operators at '%s': %s", command, ran)
          .isNull();
    }
  }

  @Test
  void doctorSaysWhoMayCreateOnThePathThatTheRoleHasByItself() {
    assertThat(run("doctor").out()).contains("everybody (PUBLIC) in schema \"public\"");
  }
}
