package dev.pgkeeper.proof.check;

import dev.pgkeeper.proof.linear.Call;
import dev.pgkeeper.proof.linear.MutexModel;
import dev.pgkeeper.proof.linear.MutexModel.Use;
import dev.pgkeeper.scenario.MutexHistory;
import dev.pgkeeper.scenario.MutexHistory.End;
import dev.pgkeeper.scenario.MutexHistory.Got;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Whether each lock alone is linearizable. A hold that its client did not give back was ended by
 * the database, at any moment after its client believed in it for the last time; a client that was
 * killed may never have believed. Acquisitions of which nobody knows the outcome are left out: had
 * they happened, they would only have made others wait.
 */
final class MutexCheck {
  private MutexCheck() {}

  static Finding examine(Evidence evidence) {
    MutexHistory told = evidence.history().locks();
    Map<String, List<Call<Use>>> locks = new TreeMap<>();
    for (Got got : told.got()) {
      List<Call<Use>> calls = locks.computeIfAbsent(got.line(), line -> new ArrayList<>());
      calls.add(new Call<>(got.invoked(), got.completed(), new Use(true, got.token())));
      calls.add(ending(got, told.end(got.line(), got.token())));
    }
    return Linear.examine(
        new MutexModel(), locks, "acquisitions and ends of " + locks.size() + " locks");
  }

  private static Call<Use> ending(Got got, End end) {
    Use given = new Use(false, got.token());
    if (end == null) {
      return new Call<>(got.invoked(), Call.NEVER, given);
    }
    return end.released()
        ? new Call<>(end.invoked(), end.completed(), given)
        : new Call<>(Math.max(got.invoked(), end.believed()), Call.NEVER, given);
  }
}
