package dev.pgkeeper.proof.client;

import com.sun.management.UnixOperatingSystemMXBean;
import dev.pgkeeper.proof.growth.Measure;
import dev.pgkeeper.scenario.Client;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/** Looks again and again at what this process has in use, and says it. */
final class Vitals {
  private Vitals() {}

  static void tell(Client client, Duration period) {
    Thread thread =
        new Thread(
            () -> {
              while (true) {
                LockSupport.parkNanos(period.toNanos());
                look(client.name(), client::say);
              }
            },
            "vitals");
    thread.setDaemon(true);
    thread.start();
  }

  static void look(String process, Consumer<String> teller) {
    // What is left after it is what somebody still refers to.
    System.gc();
    long heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    teller.accept(line(Measure.HEAP, process, heap));
    int threads = ManagementFactory.getThreadMXBean().getThreadCount();
    teller.accept(line(Measure.THREADS, process, threads));
    if (ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean system) {
      teller.accept(line(Measure.FILES, process, system.getOpenFileDescriptorCount()));
    }
  }

  private static String line(Measure measure, String process, long value) {
    return measure.line(Client.nowMicros(), process, value);
  }
}
