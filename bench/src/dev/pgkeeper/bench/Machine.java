package dev.pgkeeper.bench;

import com.sun.management.OperatingSystemMXBean;
import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What the results depend on besides what is measured. */
final class Machine {
  private static final Path PROCESSORS = Path.of("/proc/cpuinfo");

  private static final Pattern LIBRARY =
      Pattern.compile(
          "/(postgresql|HikariCP|zookeeper|curator-recipes|redisson|jetcd-core|db-scheduler"
              + "|shedlock-provider-jdbc)-([0-9.]+)\\.jar$");

  private Machine() {}

  static String describe() {
    OperatingSystemMXBean system =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    return "%s cores%s, %d GB of memory, %s %s %s, Java %s; clients and servers share this machine"
        .formatted(
            system.getAvailableProcessors(),
            processor(),
            Math.round(system.getTotalMemorySize() / 1e9),
            system.getName(),
            system.getVersion(),
            system.getArch(),
            System.getProperty("java.version"));
  }

  /** What the processors call themselves, where that can be asked. */
  private static String processor() {
    try (Stream<String> lines = Files.lines(PROCESSORS)) {
      return lines
          .filter(line -> line.startsWith("model name"))
          .findFirst()
          .map(line -> " (" + line.replaceFirst(".*: *", "") + ")")
          .orElse("");
    } catch (IOException e) {
      return "";
    }
  }

  /** The versions of what this process is a client with. */
  static String libraries() {
    return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
        .map(LIBRARY::matcher)
        .filter(Matcher::find)
        .map(library -> library.group(1) + " " + library.group(2))
        .collect(Collectors.joining(", ", "Clients: ", ""));
  }
}
