package dev.pgkeeper.bench.tree;

import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Contest;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Measure;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Target;
import dev.pgkeeper.bench.Worker;
import dev.pgkeeper.bench.Workload;
import dev.pgkeeper.bench.server.Postgres;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/** Single operations on nodes picked at random out of very many, against the same out of few. */
final class SizeCase implements Case {
  private static final int FEW = 1000;
  private static final int CHILDREN = 1000;

  @Override
  public String name() {
    return "tree.size";
  }

  @Override
  public void run(Lab lab, Report report) throws Exception {
    int many = lab.isQuick() ? 100_000 : 1_000_000;
    try (Loaded few = load(lab, report, FEW);
        Loaded large = load(lab, report, many)) {
      for (String operation : List.of("get", "set", "create")) {
        new Contest(name() + "." + operation, 1, Measure.time("us/op"))
            .entrant(FEW + " nodes", () -> few.workload(operation))
            .entrant(many + " nodes", () -> large.workload(operation))
            .compare(many + " nodes", FEW + " nodes", Target.atMost(1.3))
            .run(lab, report);
      }
    }
  }

  private static Loaded load(Lab lab, Report report, int nodes) throws Exception {
    String url = Postgres.of(lab, report).createMigrated("size_" + nodes);
    PgkeeperZnodes znodes = new PgkeeperZnodes(url);
    Loaded loaded = new Loaded(znodes, nodes / CHILDREN);
    try {
      znodes.create("/load", OperationCase.DATA);
      BulkLoad.grandchildren(url, "/load", loaded.parents(), CHILDREN);
      loaded.check();
      return loaded;
    } catch (Exception e) {
      loaded.close();
      throw e;
    }
  }

  private record Loaded(PgkeeperZnodes znodes, int parents) implements AutoCloseable {
    void check() {
      if (znodes.tree().stat("/load").numChildren() != parents
          || znodes.tree().children(parent()).size() != CHILDREN
          || znodes.get(node()).length != OperationCase.DATA.length) {
        throw new IllegalStateException("The tree was not loaded as it should be");
      }
    }

    Workload workload(String operation) {
      return switch (operation) {
        case "get" -> thread -> Worker.timing(() -> znodes.get(node()));
        case "set" -> thread -> Worker.timing(() -> znodes.set(node(), OperationCase.DATA));
        case "create" -> creating();
        default -> throw new IllegalArgumentException(operation);
      };
    }

    private Workload creating() {
      List<String> created = new ArrayList<>();
      return new Workload() {
        @Override
        public Worker worker(int thread) {
          return () -> {
            String path = parent() + "/new-" + created.size();
            long began = System.nanoTime();
            znodes.create(path, OperationCase.DATA);
            long nanos = System.nanoTime() - began;
            created.add(path);
            return nanos;
          };
        }

        @Override
        public void after() {
          znodes.deleteAll(created);
          created.clear();
        }
      };
    }

    private String node() {
      return parent() + "/" + ThreadLocalRandom.current().nextInt(CHILDREN);
    }

    private String parent() {
      return "/load/" + ThreadLocalRandom.current().nextInt(parents);
    }

    @Override
    public void close() {
      znodes.close();
    }
  }
}
