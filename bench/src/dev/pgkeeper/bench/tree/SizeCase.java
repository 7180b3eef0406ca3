package dev.pgkeeper.bench.tree;

import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Contest;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Measure;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Target;
import dev.pgkeeper.bench.server.Postgres;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Single operations on nodes picked at random out of very many, against the same out of few. */
public final class SizeCase implements Case {
  private static final int FEW = 1000;

  /** More are not loaded in the quick form. */
  private static final int MANY_QUICK = 100_000;

  private final String name;
  private final List<Integer> sizes;
  private final List<String> operations;
  private final @Nullable Target target;

  private SizeCase(
      String name, List<Integer> sizes, List<String> operations, @Nullable Target target) {
    this.name = name;
    this.sizes = sizes;
    this.operations = operations;
    this.target = target;
  }

  static SizeCase manyAgainstFew() {
    return new SizeCase(
        "tree.size", List.of(FEW, 1_000_000), List.of("get", "set", "create"), Target.atMost(1.3));
  }

  /** From step to step, with what is looked at as well. */
  public static SizeCase inSteps() {
    return new SizeCase(
        "scaling.nodes",
        List.of(FEW, 10_000, 100_000, 1_000_000),
        List.of("get", "create", "children", "view-nodes", "view-locks"),
        null);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public void run(Lab lab, Report report) throws Exception {
    List<LoadedTree> trees = new ArrayList<>();
    try {
      for (int size : sizes) {
        int nodes = lab.isQuick() ? Math.min(size, MANY_QUICK) : size;
        if (trees.stream().noneMatch(tree -> tree.nodes() == nodes)) {
          trees.add(
              LoadedTree.of(
                  Postgres.of(lab, report).createMigrated(name.replace('.', '_') + "_" + nodes),
                  nodes));
        }
      }
      for (String operation : operations) {
        Contest contest = new Contest(name + "." + operation, 1, Measure.time("us/op"));
        for (LoadedTree tree : trees) {
          contest.entrant(tree.name(), () -> tree.workload(operation));
        }
        for (LoadedTree tree : trees.subList(1, trees.size())) {
          contest.compare(tree.name(), trees.get(0).name(), target);
        }
        contest.run(lab, report);
      }
    } finally {
      for (LoadedTree tree : trees) {
        tree.close();
      }
    }
  }
}
