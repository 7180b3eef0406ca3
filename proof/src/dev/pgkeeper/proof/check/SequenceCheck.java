package dev.pgkeeper.proof.check;

import dev.pgkeeper.proof.history.Operation;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Whether numbers below each parent are unique and grow. */
final class SequenceCheck {
  private SequenceCheck() {}

  static Finding examine(Evidence evidence) {
    Map<String, List<Operation>> parents = new TreeMap<>();
    for (Operation operation : evidence.history().operations("number")) {
      if (operation.isOk()) {
        parents.computeIfAbsent(operation.key(), key -> new ArrayList<>()).add(operation);
      }
    }
    List<String> violations = new ArrayList<>();
    evidence.history().operations("number").stream()
        .filter(operation -> operation.result().equals("NODE_EXISTS"))
        .forEach(operation -> violations.add(operation + " got a number that is taken"));
    long examined = 0;
    for (List<Operation> numbers : parents.values()) {
      examined += numbers.size();
      violations.addAll(twice(numbers));
      violations.addAll(shrinking(numbers));
    }
    return new Finding(examined, "numbers", violations);
  }

  private static List<String> twice(List<Operation> numbers) {
    List<String> violations = new ArrayList<>();
    Map<String, Operation> owners = new HashMap<>();
    for (Operation number : numbers) {
      Operation before = owners.putIfAbsent(number.result(), number);
      if (before != null) {
        violations.add(number + " has the number of " + before);
      }
    }
    return violations;
  }

  /** Of those that were answered before one was asked for, the greatest is the one to compare. */
  private static List<String> shrinking(List<Operation> numbers) {
    List<String> violations = new ArrayList<>();
    List<Operation> answered =
        numbers.stream().sorted(Comparator.comparingLong(Operation::completed)).toList();
    int next = 0;
    Operation greatest = null;
    for (Operation number : numbers) {
      while (answered.get(next).completed() < number.invoked()) {
        Operation earlier = answered.get(next++);
        greatest = greatest == null || number(greatest) < number(earlier) ? earlier : greatest;
      }
      if (greatest != null && number(greatest) >= number(number)) {
        violations.add(number + " was asked for after " + greatest);
      }
    }
    return violations;
  }

  private static long number(Operation operation) {
    return Long.parseLong(operation.result());
  }
}
