package dev.pgkeeper.internal.meeting;

import dev.pgkeeper.internal.path.Paths;
import dev.pgkeeper.line.Attendance;
import dev.pgkeeper.line.Meeting;
import java.util.function.Supplier;

/** A meeting as one client sees it. */
public final class SharedMeeting implements Meeting {
  private static final int MOST = 10_000;

  private final Supplier<Meetings> present;
  private final String path;
  private final String at;
  private final int size;

  /**
   * @param present the meetings of the session that there is when a call begins
   */
  public SharedMeeting(Supplier<Meetings> present, String chroot, String path, int size) {
    this.present = present;
    this.path = Paths.check(path);
    this.at = Paths.check(Paths.under(chroot, path));
    this.size = size;
    if (at.equals("/")) {
      throw new IllegalArgumentException("/: the root is a plain node; use a path below it");
    } else if (size < 1 || size > MOST) {
      throw new IllegalArgumentException(
          path + ": a meeting of " + size + " participants; use 1 to " + MOST);
    }
  }

  @Override
  public String path() {
    return path;
  }

  /** The path as the database has it. */
  String at() {
    return at;
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public Attendance come() {
    return present.get().come(this);
  }
}
