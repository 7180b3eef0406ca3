package dev.pgkeeper.bench.tree;

import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Comparison;
import dev.pgkeeper.bench.Figure;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Target;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What clients cost that do nothing: connections, statements and transactions that write, of one
 * client and of whole fleets. All are watched at the same time, each in front of a server of its
 * own, whose log has every statement.
 */
final class IdleCase implements Case {
  private static final Pattern REAPER = Pattern.compile("\\breap(_nodes)?\\(");

  @Override
  public String name() {
    return "tree.idle";
  }

  @Override
  public void run(Lab lab, Report report) throws Exception {
    Duration window = Duration.ofSeconds(lab.isQuick() ? 20 : 30);
    List<IdleClients> groups = new ArrayList<>();
    try {
      groups.add(IdleClients.start("one client", 1, false));
      groups.add(IdleClients.start("one lease-only client", 1, true));
      groups.add(IdleClients.start("10 clients", 10, false));
      groups.add(IdleClients.start("100 clients", 100, false));
      int most = lab.isQuick() ? 300 : 1000;
      groups.add(IdleClients.start(most + " lease-only clients", most, true));
      Thread.sleep(3000);
      for (IdleClients group : groups) {
        group.begin();
      }
      long began = System.nanoTime();
      while (System.nanoTime() - began < window.toNanos()) {
        Thread.sleep(1000);
        for (IdleClients group : groups) {
          group.look();
        }
      }
      for (IdleClients group : groups) {
        group.end();
      }
      tell(report, groups);
    } finally {
      for (IdleClients group : groups) {
        group.close();
      }
    }
  }

  private void tell(Report report, List<IdleClients> groups) {
    for (IdleClients group : groups) {
      boolean alone = group.size() == 1;
      boolean leaseOnly = group.isLeaseOnly();
      count(report, group, "connections", group.connections(), alone ? Target.atMost(2) : null);
      count(
          report,
          group,
          "statements/s",
          group.statements(Pattern.compile("")) / group.seconds(),
          alone ? Target.atMost(leaseOnly ? 1 : 3) : null);
      count(
          report,
          group,
          "writes/10 s",
          group.writes() / group.seconds() * 10,
          alone ? Target.atMost(1) : null);
      report.setting(name() + ", " + group.name() + ": " + group.mostFrequent());
    }
    IdleClients smallest = groups.get(2);
    for (IdleClients fleet : groups.subList(2, groups.size())) {
      double rate = fleet.statements(REAPER) / fleet.seconds();
      count(report, fleet, "reaper statements/s", rate, null);
      if (fleet != smallest) {
        report.comparison(
            new Comparison(
                name() + ".reaper",
                1,
                fleet.name(),
                smallest.name(),
                rate / (smallest.statements(REAPER) / smallest.seconds()),
                Target.atMost(1.3),
                null));
      }
    }
  }

  private void count(
      Report report, IdleClients group, String unit, double value, @Nullable Target target) {
    String what = unit.substring(0, unit.indexOf(' ') < 0 ? unit.length() : unit.indexOf(' '));
    Figure figure =
        Figure.counted(name() + "." + what.replaceAll("/.*", ""), group.name(), 1, unit, value);
    report.figure(figure);
    if (target != null) {
      report.comparison(Comparison.limit(figure, target));
    }
  }
}
