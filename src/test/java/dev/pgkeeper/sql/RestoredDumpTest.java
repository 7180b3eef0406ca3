package dev.pgkeeper.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.testing.TestDatabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What the operations guide says to do after a dump was restored into the cluster it is from. */
class RestoredDumpTest {
  private static final Pattern REMEDY = Pattern.compile("UPDATE pgkeeper\\.epoch [^;]*;");

  private static TestDatabase database;

  @BeforeAll
  static void migrate() {
    database = TestDatabase.fresh();
  }

  @AfterAll
  static void drop() {
    database.close();
  }

  @Test
  void numbersThatWereGivenOutAfterTheDumpDoNotComeAgain() throws Exception {
    long dumped = number("/before");
    long lost = 0;
    for (int i = 0; i < 10; i++) {
      lost = number("/after-" + i);
    }
    database.execute("SELECT setval('${schema}.zxid', " + dumped + ")");
    assertThat(number("/unsafe")).as("the server cannot know").isLessThanOrEqualTo(lost);

    Matcher remedy = REMEDY.matcher(Files.readString(Path.of("docs/operations.md")));
    assertThat(remedy.find()).isTrue();
    database.execute(remedy.group().replace("pgkeeper.", "${schema}."));
    assertThat(number("/safe")).isGreaterThan(lost);
    assertThat(database.queryLong("SELECT count(*) FROM ${schema}.epochs WHERE current")).isOne();
  }

  /** Of a change that is made on a connection of its own. */
  private static long number(String path) {
    database.queryString("SELECT code FROM ${schema}.create('" + path + "', '')");
    return database.queryLong("SELECT czxid FROM ${schema}.nodes WHERE path = '" + path + "'");
  }
}
