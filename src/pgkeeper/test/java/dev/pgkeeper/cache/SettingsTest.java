package dev.pgkeeper.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.pgkeeper.Codec;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Futures;
import dev.pgkeeper.testing.Heard;
import dev.pgkeeper.testing.Insist;
import dev.pgkeeper.testing.SessionLog;
import dev.pgkeeper.testing.TcpProxy;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.NewNode;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

class SettingsTest {
  private static final Setting<Long> LIMIT = Setting.number("limit", 10);
  private static final Setting<String> NAME = Setting.text("name", "nobody");
  private static final Setting<Boolean> OPEN = Setting.flag("open", false);
  private static final Setting<Double> RATE = Setting.decimal("rate", 0.5);

  private static TestDatabase database;
  private static Keeper others;
  private static Keeper keeper;

  @BeforeAll
  static void open() {
    database = TestDatabase.fresh();
    others =
        Keeper.connect(database.dataSource(), database.keeperOptions().withClientName("others"));
    keeper = database.keeper();
  }

  @AfterAll
  static void close() {
    keeper.close();
    others.close();
    database.close();
  }

  private static void current(Settings settings) throws InterruptedException {
    assertThat(settings.awaitCurrent(Await.LIMIT)).isTrue();
  }

  private static <T> void awaitValue(Settings settings, Setting<T> setting, T value) {
    Await.until(
        () -> setting.name() + " is " + value + "; it is " + settings.get(setting),
        () -> settings.get(setting).equals(value));
  }

  @Test
  void valuesOfAllTypesAreReadWithoutARoundTripAndTheDefaultHoldsUntilTheyAreSet()
      throws Exception {
    try (Settings mine = keeper.settings("/types");
        Settings theirs = others.settings("/types")) {
      assertThat(mine.get(LIMIT)).isEqualTo(10);
      assertThat(mine.find(LIMIT)).isEmpty();
      theirs.set(LIMIT, 20L);
      theirs.set(NAME, "Ada");
      theirs.set(OPEN, true);
      theirs.set(RATE, 0.25);
      current(mine);
      assertThat(mine.get(LIMIT)).isEqualTo(20);
      assertThat(mine.get(NAME)).isEqualTo("Ada");
      assertThat(mine.get(OPEN)).isTrue();
      assertThat(mine.get(RATE)).isEqualTo(0.25);
      assertThat(mine.all().toString()).isEqualTo("{limit=20, name=Ada, open=true, rate=0.25}");
      assertThat(
              database.queryString(
                  "SELECT convert_from(data, 'UTF8') FROM ${schema}.get('/types/values/limit')"))
          .isEqualTo("20");
      theirs.delete(LIMIT);
      current(mine);
      assertThat(mine.find(LIMIT)).isEmpty();
      assertThat(mine.get(LIMIT)).isEqualTo(10);
      theirs.delete(LIMIT);
    }
  }

  @Test
  void ofManyWhoCompareAndSetNoChangeIsLost() throws Exception {
    Setting<Long> count = Setting.number("count", 0);
    try (Settings one = keeper.settings("/count");
        Settings two = others.settings("/count")) {
      List<CompletableFuture<Integer>> adding = new ArrayList<>();
      for (Settings each : List.of(one, two, one, two)) {
        adding.add(
            Futures.onThread(
                () -> {
                  int added = 0;
                  while (added < 10) {
                    each.awaitCurrent(Await.LIMIT);
                    long before = each.get(count);
                    added += each.compareAndSet(count, before, before + 1) ? 1 : 0;
                  }
                  return added;
                }));
      }
      for (CompletableFuture<Integer> each : adding) {
        assertThat(Futures.soon(each)).isEqualTo(10);
      }
      current(one);
      assertThat(one.get(count)).isEqualTo(40);
      assertThat(one.history(count)).hasSize(40);
      assertThat(one.compareAndSet(count, 39L, 0L)).isFalse();
      one.delete(count);
      assertThat(one.compareAndSet(count, 0L, 1L)).isTrue();
    }
  }

  @Test
  void severalKeysChangeTogetherOrNotAtAll() throws Exception {
    try (Settings mine = keeper.settings("/together")) {
      assertThat(mine.edit().set(LIMIT, 1L).set(NAME, "Ada").commit()).isTrue();
      assertThat(mine.edit().expect(LIMIT, 2L).set(NAME, "Bob").delete(LIMIT).commit()).isFalse();
      assertThat(mine.edit().expect(LIMIT, 1L).set(NAME, "Cyd").set(OPEN, true).commit()).isTrue();
      current(mine);
      assertThat(mine.all().toString()).isEqualTo("{limit=1, name=Cyd, open=true}");
    }
  }

  @Test
  void theHistoryOfAKeySaysWhoDidWhatAndWhenAndIsBounded() throws Exception {
    try (Settings mine = keeper.settings("/history");
        Settings theirs = others.settings("/history")) {
      theirs.set(NAME, "one\ntwo");
      mine.edit().by("Ada").set(NAME, "").commit();
      mine.delete(NAME);
      List<SettingChange> history = mine.history(NAME);
      assertThat(history)
          .extracting(SettingChange::by)
          .containsExactly("others", "Ada", "pgkeeper");
      assertThat(history)
          .extracting(SettingChange::text)
          .containsExactly(Optional.of("one\ntwo"), Optional.of(""), Optional.empty());
      assertThat(history).isSortedAccordingTo((a, b) -> a.at().compareTo(b.at()));
      assertThat(history.get(0).toString()).doesNotContain("one").contains("others");
      assertThat(
              database.queryString(
                  "SELECT convert_from(data, 'UTF8') FROM ${schema}.get('/history/history/name/0000000000')"))
          .isEqualTo("by=others\nset\none\ntwo");
      for (int i = 0; i < 105; i++) {
        mine.set(LIMIT, (long) i);
      }
      assertThat(mine.history(LIMIT)).hasSize(100);
      assertThat(mine.history(LIMIT).get(99).text()).contains("104");
      assertThat(mine.history(RATE)).isEmpty();
    }
  }

  @Test
  void onChangeTellsTheCurrentValueFirstAndThenEachAcrossLostSessions() throws Exception {
    try (Keeper loses = database.keeper();
        Settings mine = loses.settings("/live");
        Settings theirs = others.settings("/live")) {
      Heard<Long> heard = new Heard<>();
      mine.onChange(LIMIT, heard::add);
      heard.await(10L);
      theirs.set(LIMIT, 11L);
      heard.await(11L);
      theirs.set(NAME, "another key");
      theirs.set(LIMIT, 11L);
      database.execute("SELECT ${schema}.session_end(" + loses.session().id() + ")");
      theirs.set(LIMIT, 12L);
      heard.await(12L);
      theirs.delete(LIMIT);
      heard.await(told -> told == 10L && heard.all().size() > 3);
      assertThat(heard.all()).containsExactly(10L, 11L, 12L, 10L);
    }
  }

  @Test
  void afterALostSessionItIsChangedInTheNextOne() throws Exception {
    try (Keeper loses = database.keeper();
        Settings mine = loses.settings("/lost")) {
      for (long round = 1; round <= 2; round++) {
        SessionLog.lose(database, loses);
        mine.set(LIMIT, round);
        awaitValue(mine, LIMIT, round);
        assertThat(mine.history(LIMIT)).hasSize((int) round);
      }
    }
  }

  @Test
  void aValueThatCannotBeReadIsReportedWithItsKeyAndTheOneBeforeItIsKept() throws Exception {
    try (Settings mine = keeper.settings("/bad")) {
      Heard<String> errors = new Heard<>();
      Heard<Long> heard = new Heard<>();
      mine.onError(failure -> errors.add(failure.getMessage()));
      mine.set(LIMIT, 11L);
      awaitValue(mine, LIMIT, 11L);
      mine.onChange(LIMIT, heard::add);
      heard.await(11L);
      others.tree().set("/bad/values/limit", "secret".getBytes(StandardCharsets.UTF_8));
      errors.await(told -> told.contains("/bad/values/limit") && !told.contains("secret"));
      assertThat(mine.get(LIMIT)).isEqualTo(11);
      assertThat(mine.get(LIMIT)).isEqualTo(11);
      assertThat(errors.all()).hasSize(1);
      mine.set(LIMIT, 12L);
      heard.await(12L);
      assertThat(heard.all()).containsExactly(11L, 12L);
    }
  }

  @Test
  void aValueThatCannotBeReadIsReportedOnceAlsoIfTwoReadItAtTheSameTime() throws Exception {
    CyclicBarrier both = new CyclicBarrier(2);
    Setting<Long> unreadable =
        new Setting<>(
            "unreadable",
            Codec.text(
                value -> "",
                text -> {
                  both.await(Await.LIMIT.toSeconds(), TimeUnit.SECONDS);
                  throw new IllegalStateException("unreadable");
                }),
            10L);
    others.tree().create(NewNode.at("/twice/values/unreadable").withParents());
    try (Settings mine = keeper.settings("/twice")) {
      current(mine);
      Heard<String> errors = new Heard<>();
      mine.onError(failure -> errors.add(failure.getMessage()));
      CompletableFuture<Long> first = Futures.onThread(() -> mine.get(unreadable));
      CompletableFuture<Long> second = Futures.onThread(() -> mine.get(unreadable));
      assertThat(Futures.soon(first) + Futures.soon(second)).isEqualTo(20);
      assertThat(errors.all()).hasSize(1);
    }
  }

  @Test
  void whileTheDatabaseIsAwayItAnswersAndSaysHowOldItIs() throws Exception {
    try (TcpProxy proxy = TcpProxy.before(database.jdbcUrl())) {
      PGSimpleDataSource source = new PGSimpleDataSource();
      source.setUrl(proxy.through(database.jdbcUrl()));
      try (Keeper cutOff =
              Insist.on(
                  () ->
                      Keeper.connect(
                          source,
                          database.keeperOptions().withOperationTimeout(Duration.ofSeconds(1))));
          Settings mine = cutOff.settings("/away");
          Settings theirs = others.settings("/away")) {
        theirs.set(LIMIT, 11L);
        awaitValue(mine, LIMIT, 11L);
        proxy.cut();
        theirs.set(LIMIT, 12L);
        Duration age = mine.age();
        assertThat(mine.get(LIMIT)).isEqualTo(11);
        Await.until("it ages", () -> mine.age().compareTo(age.plusMillis(100)) > 0);
        assertThat(mine.get(LIMIT)).isEqualTo(11);
        proxy.mend();
        awaitValue(mine, LIMIT, 12L);
      }
    }
  }

  @Test
  void whatIsChangedInATransactionOfTheCallersEndsAsThatEnds() throws Exception {
    try (Settings mine = keeper.settings("/transaction");
        Connection connection = database.connect()) {
      connection.setAutoCommit(false);
      mine.edit(connection).set(LIMIT, 11L).set(NAME, "Ada").commit();
      connection.rollback();
      current(mine);
      assertThat(mine.all()).isEmpty();
      mine.edit(connection).set(LIMIT, 12L).commit();
      connection.commit();
      awaitValue(mine, LIMIT, 12L);
      assertThat(mine.history(LIMIT)).hasSize(1);
    }
  }

  @Test
  void aValueOfAnyTypeGoesThroughItsCodec() throws Exception {
    Codec<List<String>> lines =
        Codec.text(hosts -> String.join("\n", hosts), text -> List.of(text.split("\n", -1)));
    Setting<List<String>> hosts = new Setting<>("hosts", lines, List.of());
    try (Settings mine = keeper.settings("/codec")) {
      mine.set(hosts, List.of("a", "b"));
      awaitValue(mine, hosts, List.of("a", "b"));
      assertThat(mine.all()).containsEntry("hosts", "a\nb");
    }
  }

  @Test
  void jsonThatDoesNotParseIsReportedWithItsKeyAndTheOldValueIsKept() {
    ObjectMapper json = new ObjectMapper();
    Codec<JsonNode> codec = Codec.text(json::writeValueAsString, json::readTree);
    Setting<JsonNode> limits = new Setting<>("limits", codec, json.createObjectNode());
    try (Settings mine = keeper.settings("/json")) {
      Heard<Throwable> errors = new Heard<>();
      mine.onError(errors::add);
      JsonNode value = json.createObjectNode().put("orders", 5);
      mine.set(limits, value);
      awaitValue(mine, limits, value);
      assertThat(mine.all()).containsEntry("limits", "{\"orders\":5}");
      mine.onChange(limits, now -> {});
      others.tree().set("/json/values/limits", "{\"orders\":".getBytes(StandardCharsets.UTF_8));
      assertThat(errors.await(failure -> true))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContainingAll("/json/values/limits", "version 1", "cannot be read")
          .hasCauseInstanceOf(JsonProcessingException.class);
      assertThat(mine.get(limits)).isEqualTo(value);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Codec.text(each -> json.readTree("{").asText(), t -> t).encode("x"))
          .withMessageContaining("cannot write");
    }
  }

  @Test
  void badInputIsRefusedAtOnce() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Setting.text("a/b", ""))
        .withMessageContaining("a/b");
    assertThatIllegalArgumentException().isThrownBy(() -> Setting.text("", ""));
    try (Settings mine = keeper.settings("/input")) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> mine.edit().by("two\nlines"))
          .withMessageContaining("line");
      assertThatThrownBy(() -> mine.set(Setting.text("..", ""), "x"))
          .isInstanceOf(dev.pgkeeper.InvalidPathException.class);
    }
    assertThatThrownBy(() -> keeper.settings("bad"))
        .isInstanceOf(dev.pgkeeper.InvalidPathException.class);
  }
}
