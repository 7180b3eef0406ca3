package dev.pgkeeper.bench.tree;

import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Comparison;
import dev.pgkeeper.bench.Contest;
import dev.pgkeeper.bench.Figure;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Measure;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Target;
import dev.pgkeeper.bench.Worker;
import dev.pgkeeper.bench.Workload;
import dev.pgkeeper.bench.server.Postgres;
import dev.pgkeeper.testing.ChildProcess;
import dev.pgkeeper.tree.ChildPage;
import dev.pgkeeper.tree.Tree;
import java.time.Duration;
import java.util.List;

/**
 * Listing the children of a parent that has very many, against one that has few: the time for each,
 * and the memory.
 */
final class ChildrenCase implements Case {
  private static final int FEW = 1000;
  private static final int MANY = 100_000;
  private static final int MANY_QUICK = 20_000;
  private static final int PAGE = 1000;

  @Override
  public String name() {
    return "tree.children";
  }

  @Override
  public void run(Lab lab, Report report) throws Exception {
    int most = lab.isQuick() ? MANY_QUICK : MANY;
    String url = Postgres.of(lab, report).createMigrated("children");
    try (PgkeeperZnodes znodes = new PgkeeperZnodes(url)) {
      for (int count : new int[] {FEW, most}) {
        znodes.create(parent(count), OperationCase.DATA);
        BulkLoad.children(url, parent(count), count);
      }
      String few = FEW + " children";
      String many = most + " children";
      new Contest(name(), 1, Measure.time("us/child"))
          .entrant(few, () -> listing(znodes.tree(), FEW, false))
          .entrant(many, () -> listing(znodes.tree(), most, false))
          .entrant(many + " in pages", () -> listing(znodes.tree(), most, true))
          .compare(many, few, Target.atMost(1.3))
          .compare(many + " in pages", few, null)
          .run(lab, report);
    }
    measureHeap(url, report, most);
  }

  static String parent(int children) {
    return "/parent-of-" + children;
  }

  private static Workload listing(Tree tree, int children, boolean inPages) {
    return new Workload() {
      @Override
      public Worker worker(int thread) {
        return Worker.timing(
            () -> {
              int found = list(tree, parent(children), inPages);
              if (found != children) {
                throw new IllegalStateException(
                    found + " of " + children + " children were listed");
              }
            });
      }

      @Override
      public long unitsPerStep() {
        return children;
      }
    };
  }

  static int list(Tree tree, String parent, boolean inPages) {
    if (!inPages) {
      return tree.children(parent).size();
    }
    int found = 0;
    String after = "";
    ChildPage page;
    do {
      page = tree.childPage(parent, after, PAGE);
      List<String> names = page.names();
      found += names.size();
      after = names.isEmpty() ? after : names.get(names.size() - 1);
    } while (page.hasMore());
    return found;
  }

  /**
   * In pages, a hundred times as many children must not need more memory; a whole list needs what
   * it holds.
   */
  private void measureHeap(String url, Report report, int most) throws InterruptedException {
    Figure fewInPages = heap(url, report, FEW, true);
    Figure manyInPages = heap(url, report, most, true);
    heap(url, report, most, false);
    report.comparison(Comparison.ofFigures(manyInPages, fewInPages, Target.atMost(1.3)));
  }

  private Figure heap(String url, Report report, int children, boolean inPages)
      throws InterruptedException {
    try (ChildProcess process =
        ChildProcess.start(
            HeapProbe.class, url, Integer.toString(children), Boolean.toString(inPages))) {
      double megabytes = Double.parseDouble(process.awaitLine("peak ", Duration.ofSeconds(60)));
      Figure figure =
          Figure.counted(name() + ".heap", subject(children, inPages), 1, "MB", megabytes);
      report.figure(figure);
      return figure;
    }
  }

  private static String subject(int children, boolean inPages) {
    return children + " children" + (inPages ? " in pages" : "");
  }
}
