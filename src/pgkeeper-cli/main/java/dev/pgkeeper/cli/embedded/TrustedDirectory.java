package dev.pgkeeper.cli.embedded;

import com.sun.security.auth.module.UnixSystem;
import dev.pgkeeper.cli.output.Failure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Objects;

/**
 * Tells where no other user can put a program in the place of one that this user starts. Every
 * directory on the way from {@code /} has to belong to this user or to root. Other users must not
 * be able to write to it, except with the sticky bit, as in {@code /tmp}: there nobody renames the
 * files of others.
 */
public final class TrustedDirectory {
  private static final int ROOT = 0;
  private static final int WRITABLE_BY_OTHERS = 0022;
  private static final int STICKY = 01000;

  private TrustedDirectory() {}

  /**
   * Returns the directory without links on the way, which is the one to use from now on.
   *
   * @param instead what to do if it is not to be trusted
   * @throws Failure if another user could put a program into it
   */
  public static Path check(Path directory, String instead) throws IOException {
    Path real = directory.toRealPath();
    Path part = real.getRoot();
    check(part, real, instead);
    for (Path name : real) {
      part = part.resolve(name);
      check(part, real, instead);
    }
    return real;
  }

  private static void check(Path part, Path real, String instead) throws IOException {
    int owner = number(part, "unix:uid");
    int mode = number(part, "unix:mode");
    String danger =
        ", and programs from " + real + " could be replaced by programs of theirs; " + instead;
    if (!isOwn(part) && owner != ROOT) {
      throw new Failure(part + " belongs to another user (uid " + owner + ")" + danger);
    } else if ((mode & WRITABLE_BY_OTHERS) != 0 && (mode & STICKY) == 0) {
      throw new Failure(part + " can be written to by other users" + danger);
    }
  }

  /** Whether this belongs to the user whose process this is. */
  public static boolean isOwn(Path path) throws IOException {
    return number(path, "unix:uid") == new UnixSystem().getUid();
  }

  private static int number(Path path, String attribute) throws IOException {
    return (Integer)
        Objects.requireNonNull(
            Files.getAttribute(path, attribute, LinkOption.NOFOLLOW_LINKS), attribute);
  }
}
