package dev.pgkeeper.differential;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperException.Code;
import dev.pgkeeper.tree.OpResult;
import java.util.List;
import java.util.function.Supplier;

/** What a step came to. */
sealed interface Outcome {

  /** It was done; the value is null if there is nothing to say. */
  record Answer(Object value) implements Outcome {}

  /**
   * A rule was broken, and nothing was done.
   *
   * @param path the node named by the answer; null for a multi
   * @param steps the codes of a multi's steps; empty for everything else
   */
  record Failure(Code code, String path, List<Code> steps) implements Outcome {}

  /** The client did not even ask. */
  record Refusal(String reason) implements Outcome {}

  /** Refusals are alike whatever their words. */
  default boolean isRefusal() {
    return this instanceof Refusal;
  }

  default boolean isAnswer() {
    return this instanceof Answer;
  }

  static Outcome of(Supplier<Object> call) {
    try {
      return new Answer(call.get());
    } catch (KeeperException.MultiFailed e) {
      return new Failure(e.code(), null, e.results().stream().map(OpResult::code).toList());
    } catch (KeeperException e) {
      return new Failure(e.code(), e.path(), List.of());
    } catch (IllegalArgumentException e) {
      return new Refusal(e.getMessage());
    }
  }
}
