package dev.pgkeeper.cli.terminal;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.util.List;
import org.jline.terminal.Terminal;
import org.jline.terminal.impl.ExternalTerminal;
import org.junit.jupiter.api.Test;

/**
 * A signal ended the live view while it drew: the rest of what it drew was on the terminal of the
 * shell.
 */
class ScreenTest {
  @Test
  void nothingIsDrawnOnceTheTerminalIsRestored() throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (Terminal terminal =
        new ExternalTerminal("test", "xterm", new ByteArrayInputStream(new byte[0]), out, UTF_8)) {
      Screen screen = new Screen(terminal);
      screen.show(List.of("before"));
      screen.close();
      screen.show(List.of("after"));
      assertThat(out.toString(UTF_8)).contains("before").doesNotContain("after");
    }
  }
}
