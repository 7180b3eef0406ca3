package dev.pgkeeper.testing;

import dev.pgkeeper.Keeper;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** A database of a test class's own, and two clients of it for all its tests. */
public abstract class TwoClients {
  protected static TestDatabase database;
  protected static Keeper keeper;
  protected static Keeper other;

  @BeforeAll
  public static void connect() {
    database = TestDatabase.fresh();
    keeper = database.keeper();
    other = database.keeper();
  }

  @AfterAll
  public static void drop() {
    keeper.close();
    other.close();
    database.close();
  }
}
