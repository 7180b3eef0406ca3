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
final class CpuClock {
  static final int CORES = Runtime.getRuntime().availableProcessors();

  private static final OperatingSystemMXBean OWN =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  /** Linux tells there, in hundredths of a second, how long its processors were busy with what. */
  private static final Path MACHINE = Path.of("/proc/stat");

  private final List<ProcessHandle> servers = new CopyOnWriteArrayList<>();

  /** Seconds of processor time; not a number where that is not known. */
  record Reading(double client, double server, double machine) {
    Reading since(Reading earlier) {
      return new Reading(
          client - earlier.client, server - earlier.server, machine - earlier.machine);
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
      server +=
          Stream.concat(Stream.of(root), root.descendants()).mapToDouble(CpuClock::seconds).sum();
    }
    return new Reading(OWN.getProcessCpuTime() / 1e9, server, machine());
  }

  private static double seconds(ProcessHandle process) {
    return process.info().totalCpuDuration().orElse(Duration.ZERO).toMillis() / 1e3;
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
      return busy / 100;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
