package dev.pgkeeper.proof.part;

import dev.pgkeeper.proof.check.Evidence;
import dev.pgkeeper.proof.check.Verdict;
import dev.pgkeeper.proof.growth.Series;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What came of a part.
 *
 * @param notes what else is worth telling: a sentence each
 * @param evidence for the timeline; null where there is none to draw
 * @param figures of what was in use, as it went
 */
public record Result(
    List<Verdict> verdicts, List<String> notes, @Nullable Evidence evidence, List<Series> figures) {
  public Result {
    verdicts = List.copyOf(verdicts);
    notes = List.copyOf(notes);
    figures = List.copyOf(figures);
  }

  /** Of a part in which nothing was looked at again and again. */
  public Result(List<Verdict> verdicts, List<String> notes, @Nullable Evidence evidence) {
    this(verdicts, notes, evidence, List.of());
  }

  /** The same, without moments of the database's clock to draw. */
  Result withoutContests() {
    return new Result(
        verdicts, notes, evidence == null ? null : evidence.withoutContests(), figures);
  }
}
