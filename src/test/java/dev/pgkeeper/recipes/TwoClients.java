package dev.pgkeeper.recipes;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.testing.TestDatabase;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** Tests of what two clients of one database have in common. */
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
