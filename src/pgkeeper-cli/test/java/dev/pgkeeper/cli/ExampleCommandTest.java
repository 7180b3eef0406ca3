package dev.pgkeeper.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.testing.TestDatabase;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** {@code pgkeeper example}. What each example does is shown by ExamplesTest. */
class ExampleCommandTest {

  @Test
  void withoutANameItListsWhatThereIsAndWhatFor() {
    Ran ran = Ran.here(Map.of(), "example");
    assertThat(ran.status()).isZero();
    assertThat(ran.out())
        .contains("LeaderElection\n    One leads.\n")
        .contains("OrderLock\n    Orders are shipped once, whoever tries");
  }

  @Test
  void anExampleThatIsNotThereIsToldWithThoseThatAre() {
    Ran ran = Ran.here(Map.of(), "example", "OrderLook");
    assertThat(ran.status()).isEqualTo(2);
    assertThat(ran.err())
        .contains("no example \"OrderLook\"")
        .contains("OrderLock")
        .hasLineCount(1);
    assertThat(Ran.here(Map.of(), "example", "../examples/OrderLock").status()).isEqualTo(2);
  }

  @Test
  void aUrlThatIsNoneIsTold() {
    Ran ran = Ran.here(Map.of(), "example", "OrderLock", "--url", "localhost:5432");
    assertThat(ran.status()).isEqualTo(2);
    assertThat(ran.err()).contains("jdbc:postgresql://host:5432/database").hasLineCount(1);
  }

  @Test
  void withoutAUrlAnExampleRunsFromItsSourceOnAServerOfItsOwn() throws Exception {
    Ran ran = Ran.toItsEnd(Ran.command(Map.of(), "example", "TransactionalOrder"));
    assertThat(ran.err()).isEmpty();
    assertThat(ran.out()).contains("O001 failed").endsWith("for the warehouse: O002\n");
    assertThat(ran.status()).isZero();
  }

  @Test
  void withAUrlItRunsThereWithItsArguments() throws Exception {
    try (TestDatabase server = TestDatabase.unmigrated()) {
      String database = "example_" + server.schema();
      server.execute("CREATE DATABASE " + database);
      try {
        String url = server.urlOf(database);
        Ran ran =
            Ran.toItsEnd(
                Ran.command(Map.of("PGKEEPER_URL", url), "example", "LeaderElection", "ada"));
        assertThat(ran.err()).isEmpty();
        assertThat(ran.status()).isZero();
      } finally {
        server.execute("DROP DATABASE " + database + " WITH (FORCE)");
      }
    }
  }
}
