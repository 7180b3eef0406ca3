package dev.pgkeeper.proof.check;

import dev.pgkeeper.proof.linear.Call;
import dev.pgkeeper.proof.linear.Linearizability;
import dev.pgkeeper.proof.linear.Model;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Judges many objects, each for itself. */
final class Linear {
  private Linear() {}

  static <S, C> Finding examine(
      Model<S, C> model, Map<String, List<Call<C>>> objects, String what) {
    List<String> violations = new ArrayList<>();
    long examined = 0;
    for (var object : objects.entrySet()) {
      examined += object.getValue().size();
      try {
        String violation = Linearizability.violation(model, object.getValue());
        if (violation != null) {
          violations.add(object.getKey() + ": " + violation);
        }
      } catch (Linearizability.TooHardException e) {
        violations.add(object.getKey() + " could not be judged: " + e.getMessage());
      }
    }
    return new Finding(examined, what, violations);
  }
}
