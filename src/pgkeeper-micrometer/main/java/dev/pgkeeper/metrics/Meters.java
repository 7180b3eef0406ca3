package dev.pgkeeper.metrics;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.TimeGauge;
import io.micrometer.core.instrument.Timer;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** The meters of one keeper in one registry. */
final class Meters {
  private final MeterRegistry registry;
  private final Tags common;
  private final Set<Meter> all = ConcurrentHashMap.newKeySet();

  Meters(MeterRegistry registry, Tags common) {
    this.registry = registry;
    this.common = common;
  }

  Timer timer(String name, Tags tags, String description) {
    return remembered(
        Timer.builder(name).tags(common.and(tags)).description(description).register(registry));
  }

  Counter counter(String name, Tags tags, String description) {
    return remembered(
        Counter.builder(name).tags(common.and(tags)).description(description).register(registry));
  }

  void gauge(String name, Tags tags, String description, Supplier<Number> value) {
    remembered(
        Gauge.builder(name, value)
            .tags(common.and(tags))
            .description(description)
            .register(registry));
  }

  void timeGauge(String name, Tags tags, String description, Supplier<Number> milliseconds) {
    remembered(
        TimeGauge.builder(name, milliseconds, TimeUnit.MILLISECONDS)
            .tags(common.and(tags))
            .description(description)
            .register(registry));
  }

  private <M extends Meter> M remembered(M meter) {
    all.add(meter);
    return meter;
  }

  void remove() {
    all.forEach(registry::remove);
  }
}
