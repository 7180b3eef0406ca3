package dev.pgkeeper.bench;

import dev.pgkeeper.testing.Program;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
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
      description = "What to measure; by default everything but scaling, jit and pins.")
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
      names = "--json-file",
      paramLabel = "FILE",
      description = "The same as JSON lines, in this file too.")
  private @Nullable Path jsonFile;

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
    System.exit(Program.run("bench", new Bench(results), System.err, arguments));
  }

  @Override
  public Integer call() throws Exception {
    List<Case> cases = chosen();
    ReportFormat shown = json ? new JsonLines(out) : new MarkdownTable(out);
    if (jsonFile == null) {
      return measure(cases, new Report(System.err, shown));
    }
    try (PrintStream file = new PrintStream(jsonFile.toFile(), StandardCharsets.UTF_8)) {
      return measure(cases, new Report(System.err, shown, new JsonLines(file)));
    }
  }

  private int measure(List<Case> cases, Report report) throws InterruptedException {
    report.setting(Machine.describe());
    report.setting(Machine.libraries());
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
      List<PatientCase> patient = new ArrayList<>();
      for (Case each : cases) {
        if (each instanceof PatientCase waiting) {
          patient.add(waiting);
        } else {
          timed(each.name(), () -> report.attempt(each, () -> each.run(lab, report)));
        }
      }
      if (!patient.isEmpty()) {
        timed("what is watched for a while", () -> new Vigil(patient, lab).keep(lab, report));
      }
      lab.close();
      Runtime.getRuntime().removeShutdownHook(atExit);
    }
    return report.end() ? 0 : 1;
  }

  private interface Work {
    void run() throws InterruptedException;
  }

  private static void timed(String what, Work work) throws InterruptedException {
    long began = System.nanoTime();
    work.run();
    System.err.printf("bench: %s took %.1f s%n", what, (System.nanoTime() - began) / 1e9);
  }

  private List<Case> chosen() {
    for (String name : suites) {
      if (Suite.ALL.stream().noneMatch(suite -> suite.name().equals(name))) {
        throw misuse("there is no suite \"" + name + "\"; there is " + names());
      }
    }
    List<Case> cases =
        Suite.ALL.stream()
            .filter(suite -> suites.isEmpty() ? !suite.isOnDemand() : suites.contains(suite.name()))
            .flatMap(suite -> suite.cases().stream())
            .filter(
                each -> prefixes.isEmpty() || prefixes.stream().anyMatch(each.name()::startsWith))
            .toList();
    if (cases.isEmpty()) {
      throw misuse("no case begins with " + String.join(" or ", prefixes));
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
