package dev.pgkeeper.doctor;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.postgresql.ds.PGSimpleDataSource;

/** A set-up in which nothing is wrong until a test makes it so. */
public final class Clinic implements AutoCloseable {
  static final Map<String, String> GOOD_SETTINGS =
      Map.of(
          "tcp_keepalives_idle", "60",
          "tcp_keepalives_interval", "10",
          "tcp_keepalives_count", "6",
          "max_prepared_transactions", "5");

  /** The application's role, which may also see what others do. */
  public static final String APPLICATION = "app";

  private final PrivateServer server;
  private final TestDatabase database;

  private Clinic(PrivateServer server) {
    this.server = server;
    database = TestDatabase.freshOn(server);
    role(APPLICATION);
    database.execute("GRANT pg_monitor TO " + APPLICATION);
    database.execute(
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC"); // as it is from PostgreSQL 15 on
    database.execute("CALL ${schema}.grant_application('" + APPLICATION + "')");
  }

  public static Clinic open() {
    return open(Map.of());
  }

  /** With other settings of the server's than good ones. */
  static Clinic open(Map<String, String> worse) {
    Map<String, String> settings = new TreeMap<>(GOOD_SETTINGS);
    settings.putAll(worse);
    PrivateServer server = PrivateServer.start(settings);
    try {
      return new Clinic(server);
    } catch (RuntimeException e) {
      server.close();
      throw e;
    }
  }

  public PrivateServer server() {
    return server;
  }

  public TestDatabase database() {
    return database;
  }

  public void role(String name) {
    database.execute("CREATE ROLE " + name + " LOGIN");
  }

  /** A URL that is as it should be, but for the superuser in it. */
  public String goodUrl() {
    return server.jdbcUrl() + "&tcpKeepAlive=true";
  }

  /** What the application connects with. */
  PGSimpleDataSource application() {
    return as(APPLICATION);
  }

  PGSimpleDataSource as(String role) {
    PGSimpleDataSource dataSource = at(goodUrl());
    dataSource.setUser(role);
    return dataSource;
  }

  static PGSimpleDataSource at(String url) {
    PGSimpleDataSource dataSource = new PGSimpleDataSource();
    dataSource.setUrl(url);
    return dataSource;
  }

  Keeper keeper() {
    return Keeper.connect(application(), options());
  }

  KeeperOptions options() {
    return KeeperOptions.defaults().withSchema(database.schema());
  }

  DoctorOptions doctorOptions() {
    return DoctorOptions.defaults().withSchema(database.schema());
  }

  /** What the doctor finds for the application. */
  List<Finding> findings() {
    return findings(application());
  }

  List<Finding> findings(PGSimpleDataSource dataSource) {
    return Doctor.examine(dataSource, doctorOptions()).findings();
  }

  /** The same where everything is too long that has begun at all. */
  List<Finding> findingsAtOnce() {
    return Doctor.examine(application(), doctorOptions().withLongest(Duration.ZERO)).findings();
  }

  List<Finding> findingsBy(Clock clock) {
    return Doctor.examine(application(), doctorOptions(), clock).findings();
  }

  @Override
  public void close() {
    server.close();
  }
}
