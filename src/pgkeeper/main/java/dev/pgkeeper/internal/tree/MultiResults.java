package dev.pgkeeper.internal.tree;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperException.Code;
import dev.pgkeeper.internal.jdbc.Outcome;
import dev.pgkeeper.internal.path.Paths;
import dev.pgkeeper.tree.OpResult;
import java.util.ArrayList;
import java.util.List;

/** The results of a multi. */
final class MultiResults {
  private MultiResults() {}

  /** One for each step, with paths as the caller sees them; throws if a step failed. */
  static List<OpResult> of(List<Outcome> outcomes, String chroot) {
    List<OpResult> results = new ArrayList<>(outcomes.size());
    int failed = -1;
    for (Outcome outcome : outcomes) {
      if (outcome.code() != Code.OK && failed < 0) {
        failed = results.size();
      }
      results.add(new OpResult(outcome.code(), Paths.from(chroot, outcome.path()), outcome.stat()));
    }
    if (failed >= 0) {
      OpResult reason = results.get(failed);
      throw new KeeperException.MultiFailed(reason.code(), reason.path(), failed + 1, results);
    }
    return results;
  }
}
