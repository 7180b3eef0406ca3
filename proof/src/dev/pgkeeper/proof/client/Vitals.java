package dev.pgkeeper.proof.client;

import com.sun.management.UnixOperatingSystemMXBean;
import dev.pgkeeper.proof.growth.Measure;
import dev.pgkeeper.scenario.Client;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** Looks again and again at what this process has in use, and says it. */
final class Vitals {
  private Vitals() {}

  static void tell(Client client, Duration period) {
    Thread thread =
        new Thread(
            () -> {
              while (true) {
                LockSupport.parkNanos(period.toNanos());
                look(client);
              }
            },
            "vitals");
    thread.setDaemon(true);
    thread.start();
  }

  private static void look(Client client) {
    // What is left after it is what somebody still refers to.
    System.gc();
    say(client, Measure.HEAP, ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
    say(client, Measure.THREADS, ManagementFactory.getThreadMXBean().getThreadCount());
    if (ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean system) {
      say(client, Measure.FILES, system.getOpenFileDescriptorCount());
    }
  }

  private static void say(Client client, Measure measure, long value) {
    client.say(measure.line(Client.nowMicros(), client.name(), value));
  }
}
