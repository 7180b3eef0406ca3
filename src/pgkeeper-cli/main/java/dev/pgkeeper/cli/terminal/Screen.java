package dev.pgkeeper.cli.terminal;

import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jline.terminal.Attributes;
import org.jline.terminal.Terminal;
import org.jline.utils.InfoCmp.Capability;

/**
 * All of the terminal, without what was on it before, which is there again once this is closed,
 * also when a signal ends this process.
 */
public final class Screen implements AutoCloseable {
  private final Terminal terminal;
  private final Attributes before;

  /** Without it, what is being drawn as a signal comes ends up on the restored terminal. */
  private final ReentrantLock drawing = new ReentrantLock();

  private boolean isRestored;
  private final Thread hook = new Thread(this::restore, "pgkeeper-restore-terminal");

  public Screen(Terminal terminal) {
    this.terminal = terminal;
    Runtime.getRuntime().addShutdownHook(hook);
    before = terminal.enterRawMode();
    Attributes raw = terminal.getAttributes();
    // to wait for a key without asking for one ten times a second
    raw.setControlChar(Attributes.ControlChar.VMIN, 1);
    raw.setControlChar(Attributes.ControlChar.VTIME, 0);
    terminal.setAttributes(raw);
    terminal.puts(Capability.enter_ca_mode);
    terminal.puts(Capability.cursor_invisible);
    terminal.flush();
  }

  /** Shows these lines and nothing else; they have to fit. Shows nothing once this is closed. */
  public void show(List<String> lines) {
    drawing.lock();
    try {
      if (!isRestored) {
        draw(lines);
      }
    } finally {
      drawing.unlock();
    }
  }

  private void draw(List<String> lines) {
    terminal.puts(Capability.cursor_home);
    for (int i = 0; i < lines.size(); i++) {
      terminal.writer().print(i == 0 ? "" : "\r\n");
      terminal.writer().print(lines.get(i));
      terminal.puts(Capability.clr_eol);
    }
    terminal.puts(Capability.clr_eos);
    terminal.flush();
  }

  private void restore() {
    drawing.lock();
    try {
      isRestored = true;
      terminal.puts(Capability.cursor_normal);
      terminal.puts(Capability.exit_ca_mode);
      terminal.flush();
      terminal.setAttributes(before);
    } finally {
      drawing.unlock();
    }
  }

  @Override
  public void close() {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
      restore();
    } catch (IllegalStateException e) {
      // this process is ending: the hook restores
    }
  }
}
