package dev.pgkeeper.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PreparedTest {
  private static final String KIND = "kind-of-a-test";

  private final AtomicInteger made = new AtomicInteger();

  @AfterEach
  void remove() throws IOException {
    TestFiles.deleteRecursively(get("nothing"));
  }

  private Path get(String madeOf) {
    return Prepared.get(
        KIND, madeOf, ".txt", path -> Files.writeString(path, "made " + made.incrementAndGet()));
  }

  @Test
  void isMadeOnceOfTheSame() throws IOException {
    Path first = get("one");
    assertThat(get("one")).isEqualTo(first).hasContent("made 1");
  }

  @Test
  void isMadeAnewOfSomethingElseAndTheFormerGoes() throws IOException {
    Path first = get("one");
    assertThat(get("two")).hasContent("made 2");
    assertThat(first).doesNotExist();
  }

  @Test
  void whatWasMadeInPartOnlyIsNotTaken() {
    assertThatThrownBy(
            () ->
                Prepared.get(
                    KIND,
                    "one",
                    ".txt",
                    path -> {
                      Files.writeString(path, "half");
                      throw new IOException("no space is left");
                    }))
        .isInstanceOf(UncheckedIOException.class)
        .hasRootCauseMessage("no space is left");
    assertThat(get("one")).hasContent("made 1");
  }
}
