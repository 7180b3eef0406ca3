package dev.pgkeeper.bench.tree;

import dev.pgkeeper.bench.Comparison;
import dev.pgkeeper.bench.Figure;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.PatientCase;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Target;
import dev.pgkeeper.bench.server.WatchedServer;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What clients cost that do nothing: connections, statements and transactions that write, of one
 * client and of whole fleets, each in front of a server of its own, whose log has every statement.
 */
final class IdleCase implements PatientCase {
  @Override
  public String name() {
    return "tree.idle";
  }

  @Override
  public Watched start(Lab lab, Report report) throws Exception {
    Groups groups = new Groups(report);
    try {
      groups.add("one client", 1, false);
      groups.add("one lease-only client", 1, true);
      groups.add("10 clients", 10, false);
      groups.add("100 clients", 100, false);
      int most = lab.isQuick() ? 300 : 1000;
      groups.add(most + " lease-only clients", most, true);
      return groups;
    } catch (Exception e) {
      groups.close();
      throw e;
    }
  }

  private final class Groups implements Watched {
    private final Report report;
    private final List<IdleClients> groups = new ArrayList<>();

    Groups(Report report) {
      this.report = report;
    }

    void add(String name, int size, boolean leaseOnly) throws SQLException {
      groups.add(IdleClients.start(name, size, leaseOnly));
    }

    @Override
    public void begin() throws SQLException {
      for (IdleClients group : groups) {
        group.begin();
      }
    }

    @Override
    public void look() throws SQLException {
      for (IdleClients group : groups) {
        group.look();
      }
    }

    @Override
    public void end() throws SQLException {
      for (IdleClients group : groups) {
        group.end();
      }
    }

    @Override
    public void tell() {
      for (IdleClients group : groups) {
        boolean alone = group.size() == 1;
        boolean leaseOnly = group.isLeaseOnly();
        count(group, "connections", group.connections(), alone ? Target.atMost(2) : null);
        count(
            group,
            "statements/s",
            group.statements(Pattern.compile("")) / group.seconds(),
            alone ? Target.atMost(leaseOnly ? 1 : 3) : null);
        count(
            group,
            "writes/10 s",
            group.writes() / group.seconds() * 10,
            alone ? Target.atMost(1) : null);
        report.setting(name() + ", " + group.name() + ": " + group.mostFrequent());
      }
      Figure fewest = null;
      for (IdleClients fleet : groups.subList(2, groups.size())) {
        Figure rate =
            Figure.counted(
                name() + ".reaper",
                fleet.name(),
                1,
                "statements/s",
                fleet.statements(WatchedServer.REAPER) / fleet.seconds());
        report.figure(rate);
        if (fewest == null) {
          fewest = rate;
        } else {
          report.comparison(Comparison.ofFigures(rate, fewest, Target.atMost(1.3)));
        }
      }
    }

    private void count(IdleClients group, String unit, double value, @Nullable Target target) {
      report.counted(name() + "." + unit.replaceAll("/.*", ""), group.name(), unit, value, target);
    }

    @Override
    public void close() throws SQLException {
      for (IdleClients group : groups) {
        group.close();
      }
    }
  }
}
