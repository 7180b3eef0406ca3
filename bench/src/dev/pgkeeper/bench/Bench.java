package dev.pgkeeper.bench;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Runs suites of cases and prints what came out. */
@Command(
    name = "bench/run",
    description = "Measures pgkeeper side by side with its floor and its peers.")
public final class Bench implements Callable<Integer> {
  @Parameters(
      paramLabel = "SUITE",
      arity = "0..*",
      description = "What to measure; everything by default.")
  private List<String> suites = new ArrayList<>();

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "This text.")
  private boolean help;

  @Option(names = "--quick", description = "Fewer and shorter rounds, smaller sizes.")
  private boolean quick;

  @Option(names = "--json", description = "JSON lines instead of tables.")
  private boolean json;

  @Option(
      names = "--case",
      paramLabel = "PREFIX",
      description = "Only the cases whose names begin so; may be repeated.")
  private List<String> prefixes = new ArrayList<>();

  @Option(
      names = "--url",
      description =
          "The JDBC URL of a PostgreSQL to use instead of starting one; needs a superuser.")
  private @Nullable String url;

  private final PrintStream out;

  private Bench(PrintStream out) {
    this.out = out;
  }

  public static void main(String[] arguments) {
    PrintStream results = System.out;
    // Whatever else is printed by whomever must not get between the results.
    System.setOut(System.err);
    System.exit(new CommandLine(new Bench(results)).execute(arguments));
  }

  @Override
  public Integer call() throws Exception {
    List<Case> cases = chosen();
    Report report = new Report(json ? new JsonLines(out) : new MarkdownTable(out), System.err);
    report.setting(Machine.describe());
    try (Lab lab = new Lab(quick, url)) {
      Thread atExit = new Thread(lab::close, "bench-exit");
      Runtime.getRuntime().addShutdownHook(atExit);
      report.setting(
          (quick ? "Quick form: " : "Full form: ")
              + lab.pace().rounds()
              + " rounds of "
              + lab.pace().round().toMillis()
              + " ms for each subject, after "
              + lab.pace().warmups()
              + " to warm up");
      for (Case each : cases) {
        long began = System.nanoTime();
        try {
          each.run(lab, report);
        } catch (InterruptedException e) {
          throw e;
        } catch (Unavailable e) {
          report.skipped(each.name(), String.valueOf(e.getMessage()));
        } catch (Exception e) {
          report.failed(each.name(), "the case", e);
        } catch (AssertionError e) {
          // What the tests' tools say when something did not happen in time.
          report.failed(each.name(), "the case", new IllegalStateException(e));
        }
        System.err.printf(
            "bench: %s took %.1f s%n", each.name(), (System.nanoTime() - began) / 1e9);
      }
      lab.close();
      Runtime.getRuntime().removeShutdownHook(atExit);
    }
    return report.end() ? 0 : 1;
  }

  private List<Case> chosen() {
    for (String name : suites) {
      if (Suite.ALL.stream().noneMatch(suite -> suite.name().equals(name))) {
        throw misuse("There is no suite \"" + name + "\"; there is " + names());
      }
    }
    List<Case> cases =
        Suite.ALL.stream()
            .filter(suite -> suites.isEmpty() || suites.contains(suite.name()))
            .flatMap(suite -> suite.cases().stream())
            .filter(
                each -> prefixes.isEmpty() || prefixes.stream().anyMatch(each.name()::startsWith))
            .toList();
    if (cases.isEmpty()) {
      throw misuse("No case begins with " + String.join(" or ", prefixes));
    }
    return cases;
  }

  private CommandLine.ParameterException misuse(String message) {
    return new CommandLine.ParameterException(new CommandLine(this), message);
  }

  private static String names() {
    return Suite.ALL.stream().map(Suite::name).collect(Collectors.joining(", "));
  }
}
