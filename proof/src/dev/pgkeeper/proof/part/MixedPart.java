package dev.pgkeeper.proof.part;

import dev.pgkeeper.proof.Progress;
import dev.pgkeeper.proof.Settings;
import dev.pgkeeper.proof.client.Pace;
import java.util.List;
import java.util.Set;

/** A {@link MixedRun} in which as much goes wrong as time allows. */
public final class MixedPart implements Part {
  @Override
  public String name() {
    return "mixed";
  }

  @Override
  public List<Integer> scenarios() {
    return List.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 20);
  }

  @Override
  public String summary() {
    return "four processes do everything while clients, network and server fail in every way";
  }

  @Override
  public Result run(Settings settings, Progress progress) throws Exception {
    return new MixedRun(name(), settings, Pace.BRISK, 1, Set.of(), (server, database) -> () -> {})
        .run(progress);
  }
}
