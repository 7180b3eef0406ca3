package dev.pgkeeper.proof;

import dev.pgkeeper.proof.check.Scenarios;
import dev.pgkeeper.proof.check.Verdict;
import dev.pgkeeper.proof.part.Part;
import dev.pgkeeper.proof.part.Parts;
import dev.pgkeeper.proof.part.Result;
import dev.pgkeeper.proof.report.Outcome;
import dev.pgkeeper.proof.report.Report;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.Program;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Runs parts, prints what came of them and writes the report. */
@Command(
    name = "proof/run",
    description = "Tries the whole library against everything that goes wrong.",
    footer = {
      "",
      "Exit status: 0 if every check passed, 1 if not, 2 if it was called wrongly.",
      "The last line is the verdict. See proof/README.md."
    })
public final class Proof implements Callable<Integer> {
  private static final Duration SHORTEST = Duration.ofSeconds(20);
  private static final Duration QUICK = Duration.ofSeconds(35);
  private static final Duration LONGER = Duration.ofMinutes(3);
  private static final int MOST_VIOLATIONS_TOLD = 5;
  private static final int OLDEST_SERVER = 14;
  private static final int NEWEST_SERVER = 18;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "This text.")
  private boolean help;

  @Option(names = "--quick", description = "The short form: about 6 minutes.")
  private boolean quick;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "What the faults are drawn from; printed, and drawn itself by default.")
  private @Nullable Long seed;

  @Option(
      names = "--duration",
      paramLabel = "D",
      description =
          "How long the mixed work goes on: 90s, 10m, 2h. By default 3m, or 35s if quick.")
  private @Nullable String duration;

  @Option(
      names = "--scenario",
      paramLabel = "N",
      description = "Only the parts that cover this scenario; may be repeated.")
  private List<Integer> scenarios = new ArrayList<>();

  @Option(
      names = "--part",
      paramLabel = "NAME",
      description = "Only this part, see --list; may be repeated.")
  private List<String> names = new ArrayList<>();

  @Option(
      names = "--postgres",
      paramLabel = "NN",
      description = "The major version of PostgreSQL to try it on: 14 to 18. By default 18.")
  private @Nullable String major;

  @Option(names = "--list", description = "Lists the scenarios and what covers each.")
  private boolean list;

  @Option(
      names = "--report",
      paramLabel = "FILE",
      description = "Where the report goes; by default report.html below target/proof.")
  private @Nullable Path report;

  @Spec private CommandSpec spec;

  private final PrintStream out;

  @SuppressWarnings("NullAway.Init") // picocli fills in the rest
  private Proof(PrintStream out) {
    this.out = out;
  }

  public static void main(String[] arguments) {
    System.exit(Program.run("proof", new Proof(System.out), System.err, arguments));
  }

  @Override
  public Integer call() throws Exception {
    checkMajor();
    List<Part> parts = chosen();
    if (list) {
      Parts.table().forEach(out::println);
      return 0;
    }
    Path output = Path.of(System.getProperty("pgkeeper.proof.output", "target/proof"));
    Settings settings =
        new Settings(
            server(),
            seed == null ? ThreadLocalRandom.current().nextInt(1_000_000) : seed,
            duration == null ? (quick ? QUICK : LONGER) : length(duration),
            Files.createDirectories(output.resolve("histories"))
                .resolve(Long.toString(System.currentTimeMillis())));
    out.println(
        "proof: PostgreSQL %s, seed %d; the histories go to %s"
            .formatted(settings.server(), settings.seed(), settings.output()));
    Progress progress = new Progress(out);
    List<Outcome> outcomes = new ArrayList<>();
    for (Part part : parts) {
      outcomes.add(outcome(part, settings, progress));
    }
    Path file = report == null ? output.resolve("report.html") : report;
    Report.write(file, settings, outcomes);
    out.println();
    out.println("The report is in " + file);
    return conclude(settings, outcomes);
  }

  private List<Part> chosen() {
    for (int number : scenarios) {
      if (!Scenarios.all().containsKey(number)) {
        throw new ParameterException(
            spec.commandLine(),
            "there is no scenario "
                + number
                + "; they are numbered 1 to "
                + Scenarios.all().size());
      }
    }
    for (String name : names) {
      if (Parts.all().stream().noneMatch(part -> part.name().equals(name))) {
        throw new ParameterException(
            spec.commandLine(),
            "there is no part \""
                + name
                + "\"; there are "
                + Parts.all().stream().map(Part::name).collect(Collectors.joining(", ")));
      }
    }
    if (!names.isEmpty()) {
      return Parts.all().stream().filter(part -> names.contains(part.name())).toList();
    }
    return Parts.all().stream()
        .filter(
            part ->
                scenarios.isEmpty()
                    ? !part.isOnlyByName() && (part.isQuick() || !quick)
                    : part.scenarios().stream().anyMatch(scenarios::contains))
        .toList();
  }

  /** The version that there is, which is of the major version that was asked for. */
  private String server() {
    String version = PrivateServer.version();
    if (major != null && !version.startsWith(major + ".")) {
      throw new ParameterException(
          spec.commandLine(), "this was built for PostgreSQL " + version + ", not for " + major);
    }
    return version;
  }

  private void checkMajor() {
    if (major != null
        && IntStream.rangeClosed(OLDEST_SERVER, NEWEST_SERVER)
            .mapToObj(Integer::toString)
            .noneMatch(major::equals)) {
      throw new ParameterException(
          spec.commandLine(),
          "it cannot be tried on PostgreSQL \"%s\"; use %d to %d"
              .formatted(major, OLDEST_SERVER, NEWEST_SERVER));
    }
  }

  private Duration length(String text) {
    Duration length;
    try {
      length = Duration.parse("PT" + text);
    } catch (DateTimeParseException e) {
      throw new ParameterException(
          spec.commandLine(), "\"" + text + "\" is not a duration; use 90s, 10m or 1h30m");
    }
    if (length.compareTo(SHORTEST) < 0) {
      throw new ParameterException(
          spec.commandLine(),
          "in " + text + " too little goes wrong to prove anything; use 20s or more");
    }
    return length;
  }

  private Outcome outcome(Part part, Settings settings, Progress progress) {
    progress.say(part.name() + ": " + part.summary());
    long began = System.nanoTime();
    Result result = null;
    String trouble = null;
    boolean isSkipped = false;
    try {
      result = new TimeLimit(part, settings, progress).run();
      result.verdicts().forEach(verdict -> tell(verdict, progress));
      result.notes().forEach(note -> progress.say("  " + note));
    } catch (Part.Unavailable e) {
      isSkipped = true;
      trouble = e.getMessage();
      progress.say("  skipped: " + trouble);
    } catch (Exception | AssertionError e) {
      trouble = String.valueOf(e);
      progress.say("  FAILED: " + trouble);
      e.printStackTrace(out);
    }
    return new Outcome(
        part, result, trouble, isSkipped, Duration.ofNanos(System.nanoTime() - began));
  }

  private static void tell(Verdict verdict, Progress progress) {
    progress.say(
        "  %-16s %s (%d %s)"
            .formatted(
                verdict.word(),
                verdict.promise(),
                verdict.finding().examined(),
                verdict.finding().ofWhat()));
    List<String> violations = verdict.finding().violations();
    if (verdict.isControl()) {
      progress.say("      found " + violations.size() + " times");
      return;
    }
    violations.stream()
        .limit(MOST_VIOLATIONS_TOLD)
        .forEach(violation -> progress.say("      " + violation));
    if (violations.size() > MOST_VIOLATIONS_TOLD) {
      progress.say("      … and " + (violations.size() - MOST_VIOLATIONS_TOLD) + " more");
    }
  }

  private int conclude(Settings settings, List<Outcome> outcomes) {
    List<Verdict> verdicts = outcomes.stream().flatMap(one -> one.verdicts().stream()).toList();
    List<String> wrong = outcomes.stream().flatMap(outcome -> outcome.wrong().stream()).toList();
    String skipped =
        outcomes.stream()
            .filter(Outcome::isSkipped)
            .map(outcome -> outcome.part().name())
            .collect(Collectors.joining(", "));
    if (!wrong.isEmpty()) {
      out.println(
          "proof: VIOLATED: %s (PostgreSQL %s, seed %d)"
              .formatted(String.join("; ", wrong), settings.server(), settings.seed()));
      return 1;
    }
    out.println(
        "proof: %d of %d checks passed, PostgreSQL %s, seed %d%s"
            .formatted(
                verdicts.size(),
                verdicts.size(),
                settings.server(),
                settings.seed(),
                skipped.isEmpty() ? "" : "; skipped: " + skipped));
    return 0;
  }
}
