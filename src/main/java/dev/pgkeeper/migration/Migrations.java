package dev.pgkeeper.migration;

import java.util.Map;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;

/** Brings a schema to the version that this jar speaks. */
public final class Migrations {

  private Migrations() {}

  /** Brings the schema up to this jar's version. */
  public static void migrate(DataSource dataSource, String schema) {
    SchemaName.check(schema);
    Flyway.configure(Migrations.class.getClassLoader())
        .dataSource(dataSource)
        .schemas(schema)
        .defaultSchema(schema)
        .table("migration_history")
        .locations("classpath:dev/pgkeeper/migration")
        .placeholders(Map.of("schema", schema))
        .load()
        .migrate();
  }
}
