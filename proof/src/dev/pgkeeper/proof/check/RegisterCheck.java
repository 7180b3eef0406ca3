package dev.pgkeeper.proof.check;

import dev.pgkeeper.proof.history.Operation;
import dev.pgkeeper.proof.history.Operation.Outcome;
import dev.pgkeeper.proof.linear.Call;
import dev.pgkeeper.proof.linear.RegisterModel;
import dev.pgkeeper.proof.linear.RegisterModel.Access;
import dev.pgkeeper.proof.linear.RegisterModel.Answer;
import dev.pgkeeper.proof.linear.RegisterModel.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Whether each node that is used as a register is linearizable, alone. */
final class RegisterCheck {
  private static final Map<String, Kind> KINDS =
      Map.of(
          "create", Kind.CREATE,
          "read", Kind.READ,
          "write", Kind.WRITE,
          "cas", Kind.COMPARE_AND_SET);

  /** Where the library says that it did not even ask. */
  private static final String NOT_ASKED = "CONNECTION_LOSS";

  private RegisterCheck() {}

  static Finding examine(Evidence evidence) {
    Map<String, List<Call<Access>>> registers = new TreeMap<>();
    for (Operation operation :
        evidence.history().operations(KINDS.keySet().toArray(String[]::new))) {
      Kind kind = KINDS.get(operation.name());
      boolean isUnknown = operation.outcome() == Outcome.UNKNOWN;
      // A read without an answer, and what was not done, tell nothing.
      if (!(isUnknown && kind == Kind.READ) && !operation.result().equals(NOT_ASKED)) {
        registers
            .computeIfAbsent(operation.key(), key -> new ArrayList<>())
            .add(
                new Call<>(
                    operation.invoked(),
                    operation.completed(),
                    access(kind, operation, isUnknown)));
      }
    }
    return Linear.examine(
        new RegisterModel(), registers, "operations on " + registers.size() + " registers");
  }

  private static Access access(Kind kind, Operation operation, boolean isUnknown) {
    String[] asked = operation.argument().split("@", -1);
    long expected = kind == Kind.COMPARE_AND_SET ? Long.parseLong(asked[1]) : 0;
    String value = kind == Kind.READ ? null : asked[0];
    return new Access(kind, value, expected, isUnknown ? null : answer(kind, operation));
  }

  private static @Nullable Answer answer(Kind kind, Operation operation) {
    if (!operation.isOk()) {
      return new Answer(false, null, 0);
    }
    String[] said = operation.result().split("@", -1);
    return kind == Kind.READ
        ? new Answer(true, said[0], Long.parseLong(said[1]))
        : new Answer(true, null, Long.parseLong(said[0]));
  }
}
