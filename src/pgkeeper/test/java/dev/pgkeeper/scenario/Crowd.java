package dev.pgkeeper.scenario;

import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.ChildProcess;
import dev.pgkeeper.testing.SessionLog;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * Some processes that do the same work, and what happens to them: they are stopped past their
 * timeout, most often in the middle of what they do, killed and started anew, and their server
 * processes are terminated.
 */
public final class Crowd implements AutoCloseable {
  private static final Duration STOP_LIMIT = Await.LIMIT.multipliedBy(2);
  private static final Duration SLOW_LIMIT = Duration.ofMinutes(10);
  private static final Duration GLANCE = Duration.ofMillis(2);
  private static final Duration LOOK = Duration.ofMillis(100);

  /** Between two stops for long, in which the others get on. */
  private static final Duration CALM = Duration.ofMillis(1500);

  private final TestDatabase database;
  private final Class<? extends Work> work;
  private final KeeperOptions options;
  private final int threads;
  private final String mode;
  private final Random random;
  private final List<Member> members = new ArrayList<>();
  private final List<String> lines = new ArrayList<>();
  private final Map<String, Integer> happened = new TreeMap<>();
  private int started;
  private long calmUntil = System.nanoTime();

  private final class Member {
    final String name = "member-" + ++started;
    final ChildProcess process =
        ScenarioProcess.start(database, work, options, name, threads, random.nextLong(), mode);
    long session;
    boolean ready;
    long resumeAt;
    boolean isCritical;

    boolean isStopped() {
      return resumeAt != 0;
    }

    void read() {
      for (String line : process.takeLines()) {
        if (!line.endsWith(" .")) {
          continue; // torn by a kill
        }
        String whole = line.substring(0, line.length() - 2);
        if (whole.startsWith("session ")) {
          session = Long.parseLong(whole.substring(8));
          ready = true;
        } else if (whole.equals("critical")) {
          isCritical = true;
        } else if (whole.startsWith("failed ")) {
          throw new AssertionError(name + " " + whole);
        }
        lines.add(whole);
      }
    }
  }

  private Crowd(
      TestDatabase database,
      Class<? extends Work> work,
      KeeperOptions options,
      int threads,
      String mode,
      Random random) {
    this.database = database;
    this.work = work;
    this.options = options;
    this.threads = threads;
    this.mode = mode;
    this.random = random;
  }

  /** Returns once all of them work. */
  public static Crowd start(
      TestDatabase database,
      Class<? extends Work> work,
      KeeperOptions options,
      int processes,
      int threads,
      String mode,
      long seed) {
    Crowd crowd = new Crowd(database, work, options, threads, mode, new Random(seed));
    try {
      for (int i = 0; i < processes; i++) {
        crowd.members.add(crowd.new Member());
      }
      Await.until(
          () -> "all of " + processes + " processes work; they said " + crowd.lines,
          () -> {
            crowd.members.forEach(Member::read);
            return crowd.members.stream().allMatch(member -> member.ready);
          });
      return crowd;
    } catch (RuntimeException | Error e) {
      crowd.close();
      throw e;
    }
  }

  /** Lets them work in peace. */
  private void work(Duration length) {
    during(length, now -> {});
  }

  /** Lets them work in peace until enough was done, however slow the machine is. */
  public void workUntil(String enough, BooleanSupplier isDone) {
    Await.until(
        SLOW_LIMIT,
        enough,
        () -> {
          work(LOOK);
          return isDone.getAsBoolean();
        });
  }

  /** Lets them work and disturbs them. One is killed in the middle of it in any case. */
  public void workDisturbed(Duration length) {
    long[] next = {System.nanoTime(), System.nanoTime() + length.dividedBy(2).toNanos()};
    during(
        length,
        now -> {
          for (Member member : List.copyOf(members)) {
            if (member.isStopped() && now - member.resumeAt >= 0) {
              resume(member);
            } else if (!member.isStopped() && member.isCritical && now - calmUntil >= 0) {
              stopForLong(member);
              calmUntil = member.resumeAt + CALM.toNanos();
            }
            member.isCritical = false;
          }
          if (now - next[1] >= 0) {
            next[1] = now + length.toNanos();
            kill(anyOne());
          } else if (now - next[0] >= 0) {
            next[0] = now + Duration.ofMillis(200 + random.nextInt(800)).toNanos();
            disturb(anyOne());
          }
        });
    members.stream().filter(Member::isStopped).forEach(this::resume);
  }

  private void during(Duration length, Consumer<Long> glance) {
    long end = System.nanoTime() + length.toNanos();
    for (long now = System.nanoTime(); now - end < 0; now = System.nanoTime()) {
      members.forEach(Member::read);
      glance.accept(now);
      Await.pause(GLANCE);
    }
  }

  private Member anyOne() {
    return members.get(random.nextInt(members.size()));
  }

  private boolean mayStop() {
    return members.stream().filter(Member::isStopped).count() * 2 < members.size();
  }

  private void count(String fault) {
    happened.merge(fault, 1, Integer::sum);
  }

  private void disturb(Member member) {
    int die = random.nextInt(20);
    if (die == 0) {
      kill(member);
    } else if (die < 5) {
      count("connection terminated");
      SessionLog.terminateBackendOf(database, member.session);
    } else if (die < 8) {
      count("pool terminated");
      database.execute(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '"
              + member.name
              + "'");
    } else if (!member.isStopped() && mayStop()) {
      count("stopped for a moment");
      stop(member, 20 + random.nextInt(300));
    }
  }

  private void stopForLong(Member member) {
    count("stopped past its timeout");
    stop(member, options.timeout().toMillis() * 5 / 3 + 500 + random.nextInt(800));
  }

  private void stop(Member member, long ms) {
    member.process.stop();
    member.resumeAt = System.nanoTime() + Duration.ofMillis(ms).toNanos();
  }

  private void resume(Member member) {
    member.resumeAt = 0;
    member.process.cont();
  }

  private void kill(Member member) {
    count("killed");
    try {
      member.process.kill9();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted", e);
    }
    member.read();
    members.remove(member);
    members.add(new Member());
  }

  /**
   * Ends the session of one of them in the database, as an administrator might: of the first that
   * is in the middle of something from now on.
   */
  public void endASessionInTheMiddle() {
    members.forEach(Member::read);
    members.forEach(member -> member.isCritical = false);
    Await.until(
        "one is in the middle of something",
        () -> {
          members.forEach(Member::read);
          return members.stream().anyMatch(member -> member.isCritical);
        });
    members.stream()
        .filter(member -> member.isCritical)
        .forEach(
            member -> database.queryString("SELECT ${schema}.session_end(" + member.session + ")"));
  }

  /** Lets all of them finish what they do, and returns all that they said. */
  public List<String> finish() throws InterruptedException {
    for (Member member : members) {
      member.process.send("stop");
    }
    for (Member member : members) {
      int status = member.process.awaitExit(STOP_LIMIT);
      member.read();
      if (status != 0) {
        throw new AssertionError(member.name + " ended with " + status + "; said " + lines);
      }
    }
    return lines;
  }

  /** What was done to them, and how often. */
  public Map<String, Integer> happened() {
    return happened;
  }

  @Override
  public void close() {
    members.forEach(member -> member.process.close());
  }
}
