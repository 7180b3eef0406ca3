package dev.pgkeeper.cli.ui;

import dev.pgkeeper.cli.command.Context;
import dev.pgkeeper.cli.command.DatabaseCommand;
import dev.pgkeeper.cli.command.TargetDatabase;
import dev.pgkeeper.cli.output.Failure;
import dev.pgkeeper.ui.Page;
import dev.pgkeeper.ui.Source;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code pgkeeper ui}. */
@Command(
    name = "ui",
    description = {
      "Serves a page that shows what happens, live, to browsers of this machine; ends with Ctrl-C.",
      "",
      "An inspector's rights suffice, and no session is opened. Whoever can use this machine's loopback address can look at "
          + "the page with the rights of the role that it was started with; it shows no payloads.",
      "",
      "With --allow-changes an operator's rights are needed to end sessions, break locks, move leaderships, pause, resume "
          + "and redrive: by the browser that the printed link is opened in first, with a reason, and each leaves a row in the view "
          + "operations.",
      ""
    })
public final class UiCommand extends DatabaseCommand {
  @Option(
      names = "--port",
      paramLabel = "N",
      defaultValue = "7437",
      description =
          "Where it listens on 127.0.0.1; ${DEFAULT-VALUE} if not given, 0 for any that is free.")
  private int port;

  @Option(
      names = "--allow-changes",
      description =
          "Lets what operators do be done through the page, by the browser that opens the link first.")
  private boolean allowChanges;

  public UiCommand(Context context) {
    super(context);
  }

  @Override
  protected void checkArguments() {
    if (port < 0 || port > 65535) {
      throw misused("--port is " + port + "; use 0 to 65535");
    }
  }

  @Override
  protected int run(TargetDatabase database) throws Exception {
    database.check();
    try (Page page = open(database)) {
      print("pgkeeper shows " + database.where() + " at " + page.link());
      if (allowChanges) {
        print("The link lets one browser make changes, once; start again for another");
      }
      during(
          () -> {
            new CountDownLatch(1).await();
            return true;
          });
      return 0;
    }
  }

  private Page open(TargetDatabase database) {
    try {
      return Page.open(source(database), port, allowChanges);
    } catch (IOException e) {
      throw new Failure(
          "cannot listen on port " + port + " of 127.0.0.1: " + e.getMessage() + "; use --port", e);
    }
  }

  private static Source source(TargetDatabase database) {
    return new Source() {
      @Override
      public Connection connect() throws SQLException {
        return database.source().getConnection();
      }

      @Override
      public String schema() {
        return database.schema();
      }

      @Override
      public String where() {
        return database.where();
      }

      @Override
      public String explain(SQLException e) {
        return String.valueOf(database.failure(e).getMessage());
      }
    };
  }
}
