package dev.pgkeeper.scenario;

import java.util.Random;

/** What each thread of a {@link ScenarioProcess} does again and again. */
@FunctionalInterface
public interface Work {
  void once(Client client, Random random) throws Exception;
}
