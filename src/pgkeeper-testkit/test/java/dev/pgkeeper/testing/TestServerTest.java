package dev.pgkeeper.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.testing.TestServer.Origin;
import org.junit.jupiter.api.Test;

/** Which server the tests use. */
class TestServerTest {
  private static final String URL = "jdbc:postgresql://localhost/postgres";

  @Test
  void whereNothingIsAskedForTheFirstThatThereIsIsTaken() {
    assertThat(TestServer.choose(null, URL, () -> true)).isEqualTo(Origin.URL);
    assertThat(TestServer.choose(null, null, () -> true)).isEqualTo(Origin.CONTAINER);
    assertThat(TestServer.choose(null, null, () -> false)).isEqualTo(Origin.BINARIES);
    assertThat(TestServer.choose("", null, () -> false)).as("not set").isEqualTo(Origin.BINARIES);
  }

  @Test
  void whatIsAskedForIsTakenWhateverElseThereIs() {
    assertThat(TestServer.choose("url", URL, () -> true)).isEqualTo(Origin.URL);
    assertThat(TestServer.choose("container", URL, () -> true)).isEqualTo(Origin.CONTAINER);
    assertThat(TestServer.choose("binaries", URL, () -> true)).isEqualTo(Origin.BINARIES);
  }

  @Test
  void whatIsAskedForAndIsNotThereIsNotReplaced() {
    assertThatThrownBy(() -> TestServer.choose("container", URL, () -> false))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("no Docker engine answers")
        .hasMessageContaining("containers/run");
    assertThatThrownBy(() -> TestServer.choose("url", null, () -> true))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("PGKEEPER_TEST_URL");
  }

  @Test
  void anUnknownOriginIsRefused() {
    assertThatThrownBy(() -> TestServer.choose("docker", null, () -> true))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("pgkeeper.test.server is 'docker'; it can be url, container or binaries");
  }
}
