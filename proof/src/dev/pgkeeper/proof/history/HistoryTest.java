package dev.pgkeeper.proof.history;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.proof.history.Operation.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HistoryTest {
  @TempDir Path directory;

  private List<Operation> operations(String text) throws IOException {
    Files.writeString(directory.resolve("a"), text);
    return History.in(directory).operations();
  }

  @Test
  void aQuestionAndItsAnswerAreAnOperation() throws IOException {
    assertThat(operations("call 1 write /r v 10 .\nanswer 1 ok 3 12 .\n"))
        .containsExactly(new Operation("a", "write", "/r", "v", 10, 12, Outcome.OK, "3"));
    assertThat(operations("call 1 write /r v 10 .\nanswer 1 failed NO_NODE 12 .\n"))
        .containsExactly(new Operation("a", "write", "/r", "v", 10, 12, Outcome.FAILED, "NO_NODE"));
  }

  @Test
  void whatWasNotAnsweredOrAnsweredWithNothingIsUnknown() throws IOException {
    Operation unknown =
        new Operation("a", "write", "/r", "v", 10, Long.MAX_VALUE, Outcome.UNKNOWN, "");
    assertThat(operations("call 1 write /r v 10 .\n")).containsExactly(unknown);
    assertThat(operations("call 1 write /r v 10 .\nanswer 1 unknown SQLException 12 .\n"))
        .extracting(Operation::outcome, Operation::completed)
        .containsExactly(org.assertj.core.groups.Tuple.tuple(Outcome.UNKNOWN, Long.MAX_VALUE));
  }

  @Test
  void aLineThatAKillToreIsNoLine() throws IOException {
    assertThat(operations("call 1 write /r v 10 .\nanswer 1 ok 3 1"))
        .extracting(Operation::outcome)
        .containsExactly(Outcome.UNKNOWN);
    assertThat(operations("call 1 write /r v 1")).isEmpty();
  }
}
