package dev.pgkeeper.proof.part;

import dev.pgkeeper.proof.Progress;
import dev.pgkeeper.proof.Settings;
import dev.pgkeeper.proof.check.Checks;
import dev.pgkeeper.proof.check.Evidence;
import dev.pgkeeper.proof.check.Verdict;
import dev.pgkeeper.proof.fault.Fault;
import dev.pgkeeper.proof.fault.Happened;
import dev.pgkeeper.scenario.Client;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * The same work with each protection switched off, so that every check of the mixed part has to
 * find something: a check that cannot fail proves nothing.
 */
public final class ControlPart implements Part {
  private static final int CLIENTS = 3;

  /** What clients do without: fences, comparisons, the transaction, a look at a new session. */
  private static final String MODE = "unfenced,uncompared,outside,apart,once-only";

  /** How often a client looks whose turn it is, which is left to chance. */
  private static final Duration OFTEN = Duration.ofMillis(100);

  /** Of the first attempt; each one after it has twice as many. */
  private static final int ROUNDS = 7;

  private static final Duration ROUND = Duration.ofMillis(1300);

  /** A client that is stopped all the while, and said not to be. */
  private static final int DEAF = CLIENTS - 1;

  /** Attempts begin as long as less than this has passed. */
  private static final Duration PATIENCE = Duration.ofMinutes(10);

  /**
   * Those whose transactions are under way in the stopped client have to be waited for: not here.
   */
  private static final String END_SOME_SESSIONS =
      """
      DO $$ BEGIN
        SET LOCAL lock_timeout = '1s';
        PERFORM ${schema}.session_end(id) FROM (
          SELECT id FROM ${schema}.session WHERE client LIKE 'c%.%' ORDER BY random() LIMIT 2) AS s;
      EXCEPTION WHEN lock_not_available THEN
        NULL;
      END $$
      """;

  /** What is left without protection may stay for ever. */
  private static final Duration DRAINED = Duration.ofSeconds(3);

  private static final Duration BACK = Duration.ofSeconds(4);

  @Override
  public String name() {
    return "control";
  }

  @Override
  public List<Integer> scenarios() {
    return new MixedPart().scenarios();
  }

  @Override
  public String summary() {
    return "the same work with every protection off: each check has to find something";
  }

  /** Much here is left to chance, so what was not seen is looked for again, and for longer. */
  @Override
  public Result run(Settings settings, Progress progress) throws Exception {
    List<Verdict> verdicts = new ArrayList<>();
    long end = System.nanoTime() + PATIENCE.toNanos();
    for (int attempt = 1;
        verdicts.isEmpty() || !allSeen(verdicts) && System.nanoTime() - end < 0;
        attempt++) {
      List<Verdict> again = attempt(settings, attempt, progress);
      if (verdicts.isEmpty()) {
        verdicts.addAll(again);
      } else {
        verdicts.replaceAll(
            verdict -> verdict.isPassed() ? verdict : again.get(verdicts.indexOf(verdict)));
      }
    }
    return new Result(verdicts, List.of(), null);
  }

  private static boolean allSeen(List<Verdict> verdicts) {
    return !verdicts.isEmpty() && verdicts.stream().allMatch(Verdict::isPassed);
  }

  private List<Verdict> attempt(Settings settings, int attempt, Progress progress)
      throws Exception {
    try (PrivateServer server = PrivateServer.start(Ledger.SERVER_SETTINGS);
        TestDatabase database = TestDatabase.freshOn(server);
        Stage stage =
            new Staging(settings, name() + attempt, CLIENTS)
                .mode(MODE)
                .sweep(OFTEN)
                .without(() -> Unprotected.SQL.forEach(database::execute))
                .open(database, client -> Stage.Access.to(server.jdbcUrl()))) {
      progress.say(CLIENTS + " clients work without protection");
      long from = Client.nowMicros();
      stage.fleet().pause(DEAF);
      for (int i = 0; i < ROUNDS << (attempt - 1); i++) {
        Await.pause(ROUND);
        database.execute(END_SOME_SESSIONS);
      }
      stage.fleet().resume(DEAF);
      Happened told = new Happened(Fault.CLIENT_STOPPED_SHORTLY, DEAF, from, from + 1);
      Evidence evidence = stage.end(List.of(told), Stage.SOME_SWEEPS);
      Stage.drain(database, "apart", DRAINED);
      return Stage.judge(name(), Checks.all(BACK), evidence, true);
    }
  }
}
