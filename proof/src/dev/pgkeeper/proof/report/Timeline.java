package dev.pgkeeper.proof.report;

import dev.pgkeeper.proof.check.Evidence;
import dev.pgkeeper.proof.fault.Fleet.Life;
import dev.pgkeeper.proof.fault.Happened;
import dev.pgkeeper.proof.history.History.Account;
import dev.pgkeeper.proof.history.Operation;
import dev.pgkeeper.scenario.GrantLog.Contest;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * Who held what and which fault was when, as a drawing: a lane for each lock, one for each client,
 * one for faults that meet several, and how much was done.
 */
final class Timeline {
  private static final int WIDTH = 1200;
  private static final int LEFT = 110;
  private static final int LANE = 22;
  private static final int BAR = 16;
  private static final int RATE_HEIGHT = 60;
  private static final int COLOURS = 6;

  private final Evidence evidence;
  private final long from;
  private final long to;
  private final Map<Long, Integer> clients = new HashMap<>();
  private final StringBuilder drawn = new StringBuilder();
  private int top;

  private Timeline(Evidence evidence) {
    this.evidence = evidence;
    this.from = evidence.lives().stream().mapToLong(Life::from).min().orElse(0);
    this.to = Math.max(evidence.ended(), from + 1);
    Map<String, Integer> places = new HashMap<>();
    evidence.lives().forEach(life -> places.put(life.name(), life.client()));
    for (Account account : evidence.history().accounts()) {
      for (String line : account.lines()) {
        if (line.startsWith("session ")) {
          clients.put(Long.parseLong(line.substring(8)), places.get(account.process()));
        }
      }
    }
  }

  static String svg(Evidence evidence) {
    return new Timeline(evidence).draw();
  }

  private String draw() {
    around();
    locks();
    processes();
    rate();
    seconds();
    return legend()
        + "<div class=\"scroll\"><svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Who held what, and which fault when\">%s%s</svg></div>"
            .formatted(WIDTH, top + 4, crashes(), drawn);
  }

  private String legend() {
    StringBuilder legend = new StringBuilder("<p class=\"legend\">");
    evidence.lives().stream()
        .map(Life::client)
        .distinct()
        .sorted()
        .forEach(
            client ->
                legend.append(
                    "<span><i style=\"background: var(--c%d)\"></i>client %d</span>"
                        .formatted(client % COLOURS, client)));
    return legend
        .append("<span><i style=\"background: var(--fault)\"></i>fault</span></p>")
        .toString();
  }

  private double x(long micros) {
    double part = (double) (Math.min(Math.max(micros, from), to) - from) / (to - from);
    return LEFT + part * (WIDTH - LEFT - 10);
  }

  private void lane(String name) {
    drawn.append(
        "<text x=\"0\" y=\"%d\">%s</text><line class=\"grid\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>"
            .formatted(top + 13, Html.escape(name), LEFT, top + LANE - 2, WIDTH, top + LANE - 2));
  }

  private void bar(String style, double left, double right, String title) {
    bar(style, top + 2, BAR, left, right, title);
  }

  private void bar(String style, int y, int height, double left, double right, String title) {
    drawn.append(
        String.format(
            Locale.ROOT,
            "<rect class=\"%s\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\"><title>%s</title></rect>",
            style,
            left,
            y,
            Math.max(1.5, right - left),
            height,
            Html.escape(title)));
  }

  /** The server was away: through all lanes. */
  private String crashes() {
    StringBuilder all = new StringBuilder();
    for (Happened fault : evidence.faults()) {
      if (fault.client() < 0 && !fault.fault().isOfTheNetwork()) {
        all.append(
            String.format(
                Locale.ROOT,
                "<rect class=\"crash\" x=\"%.1f\" y=\"0\" width=\"%.1f\" height=\"%d\"/>",
                x(fault.from()),
                Math.max(1.5, x(fault.to()) - x(fault.from())),
                top - LANE));
      }
    }
    return all.toString();
  }

  private void around() {
    for (boolean ofTheNetwork : new boolean[] {false, true}) {
      lane(ofTheNetwork ? "network" : "server");
      for (Happened fault : evidence.faults()) {
        if (fault.client() < 0 && fault.fault().isOfTheNetwork() == ofTheNetwork) {
          bar("fault", x(fault.from()), x(fault.to()), title(fault));
        }
      }
      top += LANE;
    }
  }

  private String title(Happened fault) {
    return String.format(
        Locale.ROOT,
        "%s, at %.1f s for %.1f s",
        fault.fault().text(),
        (fault.from() - from) / 1e6,
        (fault.to() - fault.from()) / 1e6);
  }

  private void locks() {
    Map<String, List<Contest>> lines = new TreeMap<>();
    evidence.contests().stream()
        .filter(Contest::wasGranted)
        .forEach(
            contest ->
                lines
                    .computeIfAbsent(contest.line(), line -> new java.util.ArrayList<>())
                    .add(contest));
    lines.forEach(this::lock);
  }

  private void lock(String line, List<Contest> holds) {
    lane(line);
    double drawnTo = 0;
    for (Contest hold : holds) {
      double left = x(here(hold.granted()));
      double right = x(goneOrEnd(hold));
      // What would be hidden by its neighbour is left out, or a long run could not be looked at.
      if (right >= drawnTo + 0.8) {
        Integer client = clients.get(hold.session());
        bar(
            client == null ? "faint" : "c" + client % COLOURS,
            Math.max(left, drawnTo),
            right,
            "%s: client %s, token %d, %.3f s"
                .formatted(
                    line,
                    client == null ? "?" : client.toString(),
                    hold.token(),
                    (goneOrEnd(hold) - here(hold.granted())) / 1e6));
        drawnTo = Math.max(right, left + 1.5);
      }
    }
    top += LANE;
  }

  /** A moment of the database's clock by that of the clients. */
  private long here(long micros) {
    return micros - evidence.aheadMicros();
  }

  private long goneOrEnd(Contest hold) {
    return hold.gone() == 0 ? to : here(hold.gone());
  }

  private void processes() {
    List<Integer> places = evidence.lives().stream().map(Life::client).distinct().sorted().toList();
    for (int place : places) {
      lane("client " + place);
      for (Life life : evidence.lives()) {
        if (life.client() == place) {
          bar("c" + place % COLOURS, top + 8, 4, x(life.from()), x(life.to()) - 2, life.name());
        }
      }
      for (Happened fault : evidence.faults()) {
        if (fault.client() == place) {
          bar("fault", x(fault.from()), x(fault.to()), title(fault));
        }
      }
      top += LANE;
    }
  }

  /** Operations that succeeded, for each of a few hundred slices of the time. */
  private void rate() {
    int slices = 300;
    long[] done = new long[slices];
    for (Operation operation : evidence.history().operations()) {
      if (operation.isOk() && operation.completed() < to) {
        done[(int) ((operation.completed() - from) * slices / (to - from))]++;
      }
    }
    long most = Math.max(1, java.util.Arrays.stream(done).max().orElse(1));
    StringBuilder points = new StringBuilder();
    for (int i = 0; i < slices; i++) {
      points.append(
          String.format(
              Locale.ROOT,
              "%.1f,%.1f ",
              LEFT + (i + 0.5) * (WIDTH - LEFT - 10) / slices,
              top + RATE_HEIGHT - (double) done[i] * (RATE_HEIGHT - 6) / most));
    }
    double perSecond = most * slices * 1e6 / (to - from);
    drawn.append(
        String.format(
            Locale.ROOT,
            "<text x=\"0\" y=\"%d\">done</text><text class=\"faint\" x=\"0\" y=\"%d\">up to %.0f/s</text><polyline class=\"rate\" points=\"%s\"/>",
            top + 20,
            top + 36,
            perSecond,
            points));
    top += RATE_HEIGHT;
  }

  private void seconds() {
    long span = to - from;
    long step = 1_000_000;
    for (int i = 0; span / step > 15; i++) {
      step = step * (i % 3 == 1 ? 5 : 4) / 2; // 1, 2, 5, 10, 20, 50, …
    }
    for (long at = 0; at <= span; at += step) {
      drawn.append(
          String.format(
              Locale.ROOT,
              "<text class=\"faint\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%d s</text>",
              x(from + at),
              top + 14,
              at / 1_000_000));
    }
    top += LANE;
  }
}
