package dev.pgkeeper.proof.check;

import dev.pgkeeper.proof.fault.Fleet.Life;
import dev.pgkeeper.proof.fault.Happened;
import dev.pgkeeper.proof.history.History;
import dev.pgkeeper.scenario.GrantLog.Contest;
import dev.pgkeeper.testing.TestDatabase;
import java.util.Collections;
import java.util.List;
import java.util.NavigableMap;

/**
 * What is known of a run that is over.
 *
 * @param database as it was left
 * @param history what the clients wrote down
 * @param contests what the database decided about lines
 * @param remembered the holds that have ended, as the product's history tells of them
 * @param aheadMicros how much later it is for the database than for the clients, at least
 * @param faults what was done to it
 * @param lives which processes there were
 * @param ended when the clients were told to be quiet
 * @param slowness how slow the machine was, see {@link dev.pgkeeper.proof.fault.Pulse}
 */
public record Evidence(
    TestDatabase database,
    History history,
    List<Contest> contests,
    List<Contest> remembered,
    long aheadMicros,
    List<Happened> faults,
    List<Life> lives,
    long ended,
    NavigableMap<Long, Double> slowness) {

  /** On a machine that was quick all the time. */
  public Evidence(
      TestDatabase database,
      History history,
      List<Contest> contests,
      List<Contest> remembered,
      long aheadMicros,
      List<Happened> faults,
      List<Life> lives,
      long ended) {
    this(
        database,
        history,
        contests,
        remembered,
        aheadMicros,
        faults,
        lives,
        ended,
        Collections.emptyNavigableMap());
  }

  /** The same without what the database's clock has to do with. */
  public Evidence withoutContests() {
    return new Evidence(
        database, history, List.of(), List.of(), aheadMicros, faults, lives, ended, slowness);
  }
}
