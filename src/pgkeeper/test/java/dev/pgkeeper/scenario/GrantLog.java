package dev.pgkeeper.scenario;

import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/**
 * What the database decided about lines, by its own clock: triggers note who joined, was granted
 * and went, in the transactions that decide it. A grant is noted after whatever stood in its way
 * had ended, and an end before anybody can take advantage of it; so intervals from grant to end do
 * not overlap unless holds do.
 */
public final class GrantLog {

  /** A contender, with microseconds of the database's clock; 0 for what did not happen. */
  public record Contest(
      String line, long token, long session, long joined, long granted, long gone) {
    public boolean wasGranted() {
      return granted != 0;
    }

    public long goneOr(long otherwise) {
      return gone == 0 ? otherwise : gone;
    }
  }

  private static final String LOG =
      """
      CREATE TABLE ${schema}.noted (line text COLLATE "C", token bigint, session bigint, what text, at timestamptz);
      CREATE INDEX ON ${schema}.noted (line, token);

      CREATE FUNCTION ${schema}.note(line text, token bigint, session bigint, what text) RETURNS void
      LANGUAGE sql AS $$ INSERT INTO ${schema}.noted VALUES (line, token, session, what, clock_timestamp()) $$;

      CREATE FUNCTION ${schema}._note_contender() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF TG_OP = 'DELETE' THEN
          PERFORM ${schema}.note(OLD.parent, OLD.czxid, OLD.owner, 'gone');
        ELSE
          IF TG_OP = 'INSERT' THEN
            PERFORM ${schema}.note(NEW.parent, NEW.czxid, NEW.owner, 'joined');
          END IF;
          IF NEW.state = 'h' AND (TG_OP = 'INSERT' OR OLD.state = 'w') THEN
            PERFORM ${schema}.note(NEW.parent, NEW.czxid, NEW.owner, 'granted');
          END IF;
        END IF;
        RETURN NULL;
      END $$;
      CREATE TRIGGER note_contender AFTER INSERT ON ${schema}.node
        FOR EACH ROW WHEN (NEW.state IS NOT NULL) EXECUTE FUNCTION ${schema}._note_contender();
      CREATE TRIGGER note_taking AFTER UPDATE OF state ON ${schema}.node
        FOR EACH ROW WHEN (NEW.state IS NOT NULL) EXECUTE FUNCTION ${schema}._note_contender();
      CREATE TRIGGER note_going AFTER DELETE ON ${schema}.node
        FOR EACH ROW WHEN (OLD.state IS NOT NULL) EXECUTE FUNCTION ${schema}._note_contender();

      -- Those in the line's row. A holder that is replaced without having gone is not noted as gone: that is for the checkers.
      -- Whose session has ended, holds nothing, also if the turn came to it only then.
      CREATE FUNCTION ${schema}._note_row() RETURNS trigger LANGUAGE plpgsql AS $$
      DECLARE
        doing text;
      BEGIN
        GET DIAGNOSTICS doing = PG_CONTEXT;
        IF OLD.holder IS NOT NULL AND (NEW.holder IS NULL OR NEW.token <> OLD.token
            AND (doing LIKE '%.line_free(%' OR NOT EXISTS (SELECT FROM ${schema}.session s WHERE s.id = OLD.holder))) THEN
          PERFORM ${schema}.note(OLD.path, OLD.token, OLD.holder, 'gone');
        END IF;
        PERFORM ${schema}.note(OLD.path, OLD.waiting[i][1], OLD.waiting[i][2], 'gone')
          FROM generate_subscripts(OLD.waiting, 1) AS i
          WHERE OLD.waiting[i][1] <> ALL (NEW.waiting) AND (NEW.holder IS NULL OR OLD.waiting[i][1] <> NEW.token);
        PERFORM ${schema}.note(NEW.path, NEW.waiting[i][1], NEW.waiting[i][2], 'joined')
          FROM generate_subscripts(NEW.waiting, 1) AS i WHERE NEW.waiting[i][1] <> ALL (OLD.waiting);
        IF NEW.holder IS NOT NULL AND (OLD.holder, OLD.token) IS DISTINCT FROM (NEW.holder, NEW.token) THEN
          IF NEW.token <> ALL (OLD.waiting) THEN
            PERFORM ${schema}.note(NEW.path, NEW.token, NEW.holder, 'joined');
          END IF;
          PERFORM ${schema}.note(NEW.path, NEW.token, NEW.holder, 'granted');
        END IF;
        RETURN NULL;
      END $$;
      CREATE TRIGGER note_row AFTER UPDATE OF holder, token, waiting ON ${schema}.gathering
        FOR EACH ROW EXECUTE FUNCTION ${schema}._note_row();

      CREATE FUNCTION ${schema}.note_session() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        PERFORM ${schema}.note(p.path, p.token, p.holder, 'gone') FROM ${schema}.gathering p WHERE p.holder = OLD.id;
        RETURN NULL;
      END $$;
      CREATE TRIGGER note_session AFTER DELETE ON ${schema}.session
        FOR EACH ROW EXECUTE FUNCTION ${schema}.note_session();
      """;

  private final TestDatabase database;

  private GrantLog(TestDatabase database) {
    this.database = database;
  }

  /** Begins the log in this database's schema. */
  public static GrantLog of(TestDatabase database) {
    database.execute(LOG);
    return new GrantLog(database);
  }

  /** The log that was begun in this database's schema. */
  public static GrantLog begun(TestDatabase database) {
    return new GrantLog(database);
  }

  /** All that joined since the log began, line by line, by token. */
  public List<Contest> contests() {
    String sql =
        """
        SELECT line, token, min(session),
            coalesce(min(us) FILTER (WHERE what = 'joined'), 0), coalesce(min(us) FILTER (WHERE what = 'granted'), 0),
            coalesce(min(us) FILTER (WHERE what = 'gone'), 0)
          FROM (SELECT *, (extract(epoch FROM at) * 1000000)::bigint AS us FROM %s.noted) n
          GROUP BY line, token ORDER BY line, token
        """
            .formatted(database.schema());
    return contests(sql);
  }

  /** The holds that have ended, as the product's own history tells of them. */
  public List<Contest> remembered() {
    return contests(
        """
        SELECT path, token, session, 0, (extract(epoch FROM since) * 1000000)::bigint, (extract(epoch FROM until) * 1000000)::bigint
          FROM %s.history WHERE kind = 'lock' ORDER BY path, token, since
        """
            .formatted(database.schema()));
  }

  private List<Contest> contests(String sql) {
    List<Contest> contests = new ArrayList<>();
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      while (rows.next()) {
        contests.add(
            new Contest(
                rows.getString(1),
                rows.getLong(2),
                rows.getLong(3),
                rows.getLong(4),
                rows.getLong(5),
                rows.getLong(6)));
      }
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
    return contests;
  }

  /** How many grants there were in this line. */
  public long grants(String line) {
    return database.queryLong(
        "SELECT count(*) FROM ${schema}.noted WHERE what = 'granted' AND line = '" + line + "'");
  }
}
