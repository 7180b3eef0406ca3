package dev.pgkeeper.queue;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.queue.MessageBook.Taken;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.SQLException;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A message is in one place at a time. Each protection is led into the history that it excludes,
 * with two connections, a step at a time: with it the book finds nothing, without it what it must.
 * The same under random work and terminated backends is the proof's part {@code queue-sql}.
 */
class SqlConservationTest {

  /** Leads two consumers into what a protection excludes. */
  private interface Steps {
    void take(SqlScript one, SqlScript other) throws SQLException;
  }

  /** A function of queues, what it does without what protects it, and what is found then. */
  enum Protection {
    A_TAKEN_MESSAGE_IS_DELETED(
        "take",
        "DELETE FROM %s.message m",
        "SELECT m.queue, m.lane, m.id, m AS message FROM %s.message m",
        "in two places at once",
        (one, other) -> {
          one.enqueuePlain();
          one.take(MessageBook.PLAIN, 1);
        }),
    /** Whoever takes meanwhile puts the next message behind one that is just done with. */
    THE_KEY_IS_LOCKED(
        "_take_keyed",
        "WHERE pg_try_advisory_xact_lock",
        "WHERE true OR 0 = ",
        "never acked: m1|k|1",
        (one, other) -> {
          one.enqueueKeyed(0, 0);
          one.begin();
          one.ack(one.take(MessageBook.KEYED, 1).get(0));
          other.enqueueKeyed(1, 0);
          other.take(MessageBook.KEYED, 1);
          one.commit();
        }),
    THE_TURN_IS_LOOKED_AT(
        "_take_keyed",
        "t.key = m.key)",
        "t.key = m.key AND false)",
        "key_turn_pkey",
        (one, other) -> {
          one.enqueueKeyed(0, 0);
          one.take(MessageBook.KEYED, 1);
          other.enqueueKeyed(1, 0);
          other.take(MessageBook.KEYED, 1);
        }),
    THE_EARLIER_COMES_FIRST(
        "_take_keyed",
        "e.id < m.id",
        "e.id < 0",
        "out of order",
        (one, other) -> {
          one.enqueueKeyed(0, 0);
          one.enqueueKeyed(1, 2);
          one.ack(one.take(MessageBook.KEYED, 1).get(0));
          other.ack(other.take(MessageBook.KEYED, 1).get(0));
        }),
    WHAT_IS_GIVEN_BACK_IS_KEPT(
        "_give_back",
        "INSERT INTO %s.message SELECT m.*",
        "PERFORM",
        "lost: m",
        (one, other) -> {
          one.enqueuePlain();
          one.release(one.take(MessageBook.PLAIN, 1).get(0));
        }),
    A_FREED_KEY_BRINGS_BACK_THE_NEXT(
        "_keys_free",
        "first.lane = %s._behind()",
        "false",
        "never acked: m1|k|1",
        (one, other) -> {
          one.enqueueKeyed(0, 0);
          one.enqueueKeyed(1, 0);
          Taken first = one.take(MessageBook.KEYED, 2).get(0);
          one.ack(first);
        }),
    THE_TURN_ENDS(
        "_keys_free",
        "AND t.id = done.id",
        "AND t.id = 0",
        "left in key_turn",
        (one, other) -> {
          one.enqueueKeyed(0, 0);
          one.ack(one.take(MessageBook.KEYED, 1).get(0));
        }),
    AN_ACK_NEEDS_ITS_CLAIM(
        "ack",
        "IS NOT NULL",
        "IS NULL AND false",
        "a stale ack counted",
        (one, other) -> {
          one.enqueuePlain();
          Taken taken = one.take(MessageBook.PLAIN, 1).get(0);
          one.endSession();
          one.ackStale(taken);
        }),
    A_SESSIONS_END_GIVES_BACK(
        "_claims_return",
        "PERFORM %s._give_all_back",
        "PERFORM concat",
        "lost: m",
        (one, other) -> {
          one.enqueuePlain();
          one.take(MessageBook.PLAIN, 1);
          one.endSession();
        }),
    AN_EXPIRED_CLAIM_GIVES_BACK(
        "_claims_expire",
        "PERFORM %s._give_all_back",
        "PERFORM concat",
        "lost: m",
        (one, other) -> {
          one.enqueuePlain();
          one.takeUntilNow();
          other.tidy();
        }),
    AN_ACK_OF_A_WHOLE_CLAIM_DELETES_IT(
        "_ack",
        "DELETE FROM %s.claim d\n",
        "PERFORM FROM %s.claim d\n",
        "acked and there: m",
        (one, other) -> {
          one.enqueuePlain();
          List<Taken> taken = one.take(MessageBook.PLAIN, 1);
          one.ackWholeClaim(taken);
        });

    final String function;
    final String protects;
    final String without;
    final String found;
    private final Steps steps;

    Protection(String function, String protects, String without, String found, Steps steps) {
      this.function = function;
      this.protects = protects;
      this.without = without;
      this.found = found;
      this.steps = steps;
    }

    /** What the book finds after these steps, and after all that is left was taken. */
    List<String> violations(TestDatabase database) throws SQLException {
      MessageBook book = MessageBook.open(database);
      try (SqlScript one = new SqlScript(database, book);
          SqlScript other = new SqlScript(database, book);
          SqlScript last = new SqlScript(database, book)) {
        steps.take(one, other);
        book.compare();
        one.endSession();
        other.endSession();
        last.takeAll();
        last.endSession();
        book.compareWithNothing();
      }
      return book.violations();
    }

    /** The function as it is, and as it is without what protects it. */
    String definition(TestDatabase database) {
      return definition(database, function);
    }

    static String definition(TestDatabase database, String function) {
      return database.queryString(
          "SELECT pg_get_functiondef('${schema}." + function + "'::regproc)");
    }

    String withoutIt(TestDatabase database) {
      String there = protects.formatted(database.schema());
      assertThat(definition(database)).contains(there);
      String off = definition(database).replace(there, without.formatted(database.schema()));
      return this == A_TAKEN_MESSAGE_IS_DELETED
          ? off.replace("RETURNING m.queue, m.lane, m.id, m AS message\n", "\n")
          : off;
    }
  }

  private static TestDatabase database;

  @BeforeAll
  static void migrate() {
    database = TestDatabase.fresh();
  }

  @AfterAll
  static void drop() {
    database.close();
  }

  @BeforeEach
  void empty() {
    database.execute(
        "TRUNCATE ${schema}.queue, ${schema}.lane, ${schema}.message, ${schema}.claim,"
            + " ${schema}.dead_letter, ${schema}.key_turn, ${schema}.idle");
  }

  @ParameterizedTest
  @EnumSource
  void theBookFindsWhatAProtectionExcludesWhereItIsOff(Protection protection) throws Exception {
    String definition = protection.definition(database);
    String repair = Protection.definition(database, "_keys_look");
    database.execute(protection.withoutIt(database));
    // What brings back a key that has no turn would hide that it was lost.
    database.execute(
        "CREATE OR REPLACE FUNCTION ${schema}._keys_look(in_queue integer) RETURNS void LANGUAGE sql AS ''");
    try {
      assertThat(protection.violations(database))
          .anyMatch(violation -> violation.contains(protection.found));
    } finally {
      database.execute(definition);
      database.execute(repair);
    }
  }

  @ParameterizedTest
  @EnumSource
  void theSameStepsAreRightWhereItIsOn(Protection protection) throws Exception {
    assertThat(protection.violations(database)).isEmpty();
  }

  /** What no step above comes to: told by hand. */
  @Test
  void theBookFindsWhatIsToldWrong() {
    assertThat(told(book -> book.begun(A0))).isEmpty();
    assertThat(told(book -> both(book, A0, A1)))
        .singleElement()
        .asString()
        .contains("two of a key");
    assertThat(told(book -> inTurn(book, A1, A0))).singleElement().asString().contains("out of");
    assertThat(told(book -> inTurn(book, A0, A1))).isEmpty();
    assertThat(told(book -> inTurn(book, A0, A0)))
        .anyMatch(violation -> violation.startsWith("acked and taken"))
        .anyMatch(violation -> violation.startsWith("acked twice"));
  }

  private static final Taken A0 = new Taken(1, 1, "a|k|0");
  private static final Taken A1 = new Taken(2, 2, "b|k|1");

  private static List<String> told(Consumer<MessageBook> telling) {
    MessageBook book = MessageBook.about(database);
    book.enqueued(List.of(A0.payload(), A1.payload()));
    telling.accept(book);
    return book.violations();
  }

  private static void both(MessageBook book, Taken first, Taken second) {
    book.begun(first);
    book.begun(second);
  }

  private static void inTurn(MessageBook book, Taken... messages) {
    for (Taken taken : messages) {
      book.begun(taken);
      book.ended(taken);
      book.acknowledged(taken);
    }
  }
}
