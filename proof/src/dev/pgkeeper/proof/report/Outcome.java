package dev.pgkeeper.proof.report;

import dev.pgkeeper.proof.check.Verdict;
import dev.pgkeeper.proof.part.Part;
import dev.pgkeeper.proof.part.Result;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What became of a part.
 *
 * @param trouble why there is no result
 * @param isSkipped whether that is no fault of the library's
 */
public record Outcome(
    Part part,
    @Nullable Result result,
    @Nullable String trouble,
    boolean isSkipped,
    Duration took) {

  public List<Verdict> verdicts() {
    return result == null ? List.of() : result.verdicts();
  }

  /** What keeps the whole from having passed. */
  public List<String> wrong() {
    List<String> wrong = new ArrayList<>();
    if (trouble != null && !isSkipped) {
      wrong.add(part.name() + " failed: " + trouble.lines().findFirst().orElse(""));
    }
    verdicts().stream()
        .filter(verdict -> !verdict.isPassed())
        .forEach(
            verdict ->
                wrong.add(
                    part.name()
                        + ": "
                        + verdict.word().toLowerCase(java.util.Locale.ROOT)
                        + ": "
                        + verdict.promise()));
    return wrong;
  }
}
