package dev.pgkeeper.cli;

import dev.pgkeeper.cli.command.Context;
import dev.pgkeeper.cli.command.DatabaseCommand;
import dev.pgkeeper.cli.command.DurationText;
import dev.pgkeeper.cli.command.TargetDatabase;
import dev.pgkeeper.cli.output.Json;
import dev.pgkeeper.cli.output.JsonOption;
import dev.pgkeeper.cli.output.Style;
import dev.pgkeeper.cli.output.Text;
import dev.pgkeeper.doctor.Doctor;
import dev.pgkeeper.doctor.DoctorOptions;
import dev.pgkeeper.doctor.Examination;
import dev.pgkeeper.doctor.Finding;
import dev.pgkeeper.doctor.Severity;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code pgkeeper doctor}: what is wrong, and what to do. */
@Command(
    name = "doctor",
    description = {
      "Tells what is wrong with the way to the database, the server, the schema and those who use it, and what to do.",
      "Give it the URL and the role that the application has; with pg_monitor a role sees all of it."
    },
    exitCodeList = {
      "0:nothing is wrong, as far as could be found out",
      "1:the database could not be asked",
      "2:not understood",
      "3:something was found"
    })
final class DoctorCommand extends DatabaseCommand {
  static final int FOUND = 3;

  @Mixin private final JsonOption json = new JsonOption();

  @Option(
      names = "--longest",
      paramLabel = "SPAN",
      defaultValue = "1m",
      converter = DurationText.class,
      description =
          "How long a transaction may be open, and dead rows may lie about, before that is told; ${DEFAULT-VALUE} if not given.")
  private Duration longest = Duration.ZERO;

  DoctorCommand(Context context) {
    super(context);
  }

  @Override
  protected int run(TargetDatabase database) {
    database.check();
    Examination examination =
        Doctor.examine(
            database.source(),
            DoctorOptions.defaults().withSchema(database.schema()).withLongest(longest));
    if (json.isGiven()) {
      print(Json.of(examination.findings().stream().map(DoctorCommand::object).toList()));
    } else {
      Style style = Style.of(context().environment());
      examination.findings().forEach(finding -> print(finding, style));
      print(summary(examination));
    }
    return examination.isHealthy() ? 0 : FOUND;
  }

  private static Map<String, String> object(Finding finding) {
    Map<String, String> object = new LinkedHashMap<>();
    object.put("severity", name(finding.severity()));
    object.put("name", finding.name());
    object.put("found", finding.found());
    object.put("advice", finding.advice());
    return object;
  }

  private static String name(Severity severity) {
    return severity.name().toLowerCase(Locale.ROOT);
  }

  private void print(Finding finding, Style style) {
    String severity = name(finding.severity());
    print(
        (finding.severity() == Severity.ERROR ? style.red(severity) : style.bold(severity))
            + "  "
            + style.bold(finding.name()));
    print("  found: " + Text.harmless(finding.found()));
    print("  to do: " + Text.harmless(finding.advice()));
    print("");
  }

  private static String summary(Examination examination) {
    List<Finding> findings = examination.findings();
    long unknown =
        findings.stream().filter(finding -> finding.severity() == Severity.UNKNOWN).count();
    long wrong = findings.size() - unknown;
    return "PostgreSQL %s, schema version %d, library version %d: %d checks, %s%s."
        .formatted(
            Text.harmless(examination.server()),
            examination.schemaVersion(),
            examination.clientVersion(),
            examination.checks(),
            wrong == 0 ? "nothing wrong found" : wrong + " found something",
            unknown == 0 ? "" : ", " + unknown + " could not be made");
  }
}
