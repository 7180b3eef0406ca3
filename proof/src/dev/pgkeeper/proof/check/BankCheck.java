package dev.pgkeeper.proof.check;

import dev.pgkeeper.proof.client.MoveMoney;
import dev.pgkeeper.proof.history.Operation;
import java.util.ArrayList;
import java.util.List;

/** Whether no money appears or disappears, in what clients read and in what is left. */
public final class BankCheck {
  private static final String ALL = Long.toString(MoveMoney.ACCOUNTS * MoveMoney.EACH);

  private BankCheck() {}

  public static Finding examine(Evidence evidence) {
    List<String> violations = new ArrayList<>();
    List<Operation> reads =
        evidence.history().operations("total").stream().filter(Operation::isOk).toList();
    for (Operation read : reads) {
      if (!read.result().equals(ALL)) {
        violations.add(
            read.process() + " read a sum of " + read.result() + " at " + read.invoked());
      }
    }
    String left =
        evidence
            .database()
            .queryString(
                "SELECT sum(convert_from(data, 'UTF8')::bigint)::text FROM ${schema}.node WHERE parent = '/bank'");
    if (!left.equals(ALL)) {
      violations.add("the sum is " + left + " in the end");
    }
    long moved =
        evidence.history().operations("transfer").stream()
            .filter(transfer -> transfer.result().equals("moved"))
            .count();
    return new Finding(reads.size() + moved, "reads and transfers", violations);
  }
}
