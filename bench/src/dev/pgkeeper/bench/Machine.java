package dev.pgkeeper.bench;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/** What the results depend on besides what is measured. */
final class Machine {
  private Machine() {}

  static String describe() {
    OperatingSystemMXBean system =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    return "%s cores, %d GB of memory, %s %s, Java %s; clients and servers share this machine"
        .formatted(
            system.getAvailableProcessors(),
            Math.round(system.getTotalMemorySize() / 1e9),
            system.getName(),
            system.getArch(),
            System.getProperty("java.version"));
  }
}
