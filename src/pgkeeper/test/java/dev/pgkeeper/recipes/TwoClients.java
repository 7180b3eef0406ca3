package dev.pgkeeper.recipes;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.testing.TestDatabase;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** A database of a test class's own, and two clients of it for all its tests. */
abstract class TwoClients {
  static TestDatabase database;
  static Keeper keeper;
  static Keeper other;

  @BeforeAll
  static void connect() {
    database = TestDatabase.fresh();
    keeper = database.keeper();
    other = database.keeper();
  }

  @AfterAll
  static void drop() {
    keeper.close();
    other.close();
    database.close();
  }
}
