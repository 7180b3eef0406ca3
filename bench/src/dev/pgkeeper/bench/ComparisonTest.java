package dev.pgkeeper.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ComparisonTest {
  private static final double[] STEADY = {0.69, 0.7, 0.71, 0.68, 0.7, 0.72, 0.7, 0.69, 0.71};
  private static final double[] WILD = {0.6, 1.9, 0.4, 1, 2.5, 0.7, 1.2, 0.6, 1.9};

  @Test
  void steadyRoundsTellARatioAndWhetherTheTargetIsMet() {
    Comparison met = ratio(Target.atLeast(0.7), STEADY);
    assertThat(met.told()).isEqualTo("0.7");
    assertThat(met.met()).isTrue();
    assertThat(met.verdict()).isEqualTo("met");
    assertThat(ratio(Target.atLeast(0.8), STEADY).verdict()).isEqualTo("missed: 13 % too little");
    assertThat(ratio(Target.atMost(0.5), STEADY).verdict()).isEqualTo("missed: 40 % too much");
    assertThat(ratio(null, STEADY).verdict()).isEmpty();
  }

  @Test
  void wildRoundsTellNoRatioAndJudgeNoTarget() {
    Comparison wild = ratio(Target.atLeast(0.7), WILD);
    assertThat(wild.told()).isEqualTo("spread too wide (0.6 to 1.9)");
    assertThat(wild.met()).isNull();
    assertThat(wild.verdict()).isEqualTo("not judged");
  }

  @Test
  void oneBadRoundOfManyIsNoReasonToDistrustTheOthers() {
    assertThat(ratio(null, 0.7, 0.71, 0.69, 0.7, 9).told()).isEqualTo("0.7");
  }

  @Test
  void aRatioIsTakenWithinEachRound() {
    Series slowedOnce = new Series(new double[] {100, 10, 100});
    Series bothSlowed = slowedOnce.ratioTo(new Series(new double[] {50, 5, 50}));
    assertThat(bothSlowed.values()).containsExactly(2, 2, 2);
    assertThat(bothSlowed.spread()).isZero();
  }

  @Test
  void whatWasMeasuredOnceIsTold() {
    Comparison once = Comparison.limit(figure("ours", 3), Target.atMost(2));
    assertThat(once.told()).isEqualTo("3");
    assertThat(once.verdict()).isEqualTo("missed: 50 % too much");
  }

  @Test
  void noFormOfTheResultsTellsTheRatioOfWildRounds() {
    ByteArrayOutputStream json = new ByteArrayOutputStream();
    ByteArrayOutputStream markdown = new ByteArrayOutputStream();
    Report report =
        new Report(
            new PrintStream(PrintStream.nullOutputStream()),
            new JsonLines(new PrintStream(json, true, StandardCharsets.UTF_8)),
            new MarkdownTable(new PrintStream(markdown, true, StandardCharsets.UTF_8)));
    report.figure(figure("ours", 120));
    report.figure(figure("floor", 100));
    report.comparison(ratio(Target.atLeast(0.7), WILD));
    report.comparison(ratio(Target.atLeast(0.8), STEADY));
    report.end();

    assertThat(json.toString(StandardCharsets.UTF_8))
        .contains("\"value\":null,\"target\":0.7,\"met\":null", "\"low\":0.6,\"high\":1.9")
        .contains("\"value\":0.7,\"target\":0.8,\"met\":false");
    assertThat(markdown.toString(StandardCharsets.UTF_8).replaceAll(" +", " "))
        .contains(
            "| ours | floor | spread too wide (0.6 to 1.9) | ≥ 0.7 | not judged | 130 % | 120 | 100 | ops/s |")
        .contains("| ours | floor | 0.7 | ≥ 0.8 | missed: 13 % too little |")
        .contains("Targets: 0 met, 1 missed, 1 not judged");
  }

  private static Comparison ratio(@Nullable Target target, double... rounds) {
    return Comparison.ofRounds("suite.case", 1, "ours", "floor", new Series(rounds), target);
  }

  private static Figure figure(String subject, double value) {
    return Figure.counted("suite.case", subject, 1, "ops/s", value);
  }
}
