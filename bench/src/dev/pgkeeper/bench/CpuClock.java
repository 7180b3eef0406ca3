package dev.pgkeeper.bench;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;

/**
 * Who has burned how much so far: the clients, which are this process, the servers that it started,
 * and the machine.
 */
public final class CpuClock {
  static final int CORES = Runtime.getRuntime().availableProcessors();

  private static final OperatingSystemMXBean OWN =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  /** Linux tells there, in hundredths of a second, how long its processors were busy with what. */
  private static final Path MACHINE = Path.of("/proc/stat");

  private static final double TICKS_PER_SECOND = 100;

  /** Where a process's times begin and end in /proc/PID/stat, counted from its state on. */
  private static final int OWN_USER = 11;

  private static final int ENDED_CHILDREN_SYSTEM = 14;

  private final List<ProcessHandle> servers = new CopyOnWriteArrayList<>();

  /**
   * Seconds of processor time; not a number where that is not known.
   *
   * @param at seconds of a clock: reading takes time, and the machine's is read at its end
   */
  record Reading(double client, double server, double machine, double at) {
    Reading since(Reading earlier) {
      return new Reading(
          client - earlier.client,
          server - earlier.server,
          machine - earlier.machine,
          at - earlier.at);
    }

    /** What nobody here is to blame for. */
    double others() {
      return Math.max(0, machine - client - server);
    }
  }

  void count(ProcessHandle server) {
    servers.add(server);
  }

  Reading read() {
    double server = servers.isEmpty() ? Double.NaN : 0;
    for (ProcessHandle root : servers) {
      server += secondsBelow(root);
    }
    return new Reading(OWN.getProcessCpuTime() / 1e9, server, machine(), System.nanoTime() / 1e9);
  }

  /** Of a process and all below it; those that have ended are counted by their parent. */
  public static double secondsBelow(ProcessHandle root) {
    return Stream.concat(Stream.of(root), root.descendants()).mapToDouble(CpuClock::seconds).sum();
  }

  private static double seconds(ProcessHandle process) {
    try {
      String[] fields =
          Files.readString(Path.of("/proc/%d/stat".formatted(process.pid())))
              .replaceFirst(".*\\) ", "")
              .split(" ");
      double ticks = 0;
      for (int i = OWN_USER; i <= ENDED_CHILDREN_SYSTEM; i++) {
        ticks += Double.parseDouble(fields[i]);
      }
      return ticks / TICKS_PER_SECOND;
    } catch (IOException e) {
      // It has just ended, or this is no Linux.
      return process.info().totalCpuDuration().orElse(Duration.ZERO).toMillis() / 1e3;
    }
  }

  private static double machine() {
    if (!Files.isReadable(MACHINE)) {
      return Double.NaN;
    }
    try (Stream<String> lines = Files.lines(MACHINE)) {
      String[] fields = lines.findFirst().orElseThrow().split(" +");
      double busy = 0;
      for (int i = 1; i <= 8; i++) {
        boolean idle = i == 4 || i == 5;
        busy += idle ? 0 : Double.parseDouble(fields[i]);
      }
      return busy / TICKS_PER_SECOND;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
