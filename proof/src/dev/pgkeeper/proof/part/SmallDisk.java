package dev.pgkeeper.proof.part;

import dev.pgkeeper.proof.AtExit;
import dev.pgkeeper.testing.RunDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** A file system of 160 MB, in memory, that can be filled to the last byte. */
final class SmallDisk implements AutoCloseable {
  private static final String SIZE = "160m";
  private static final int MB = 1 << 20;

  private final Path mountPoint;
  private final AtExit atExit = AtExit.close(this);

  private SmallDisk(Path mountPoint) {
    this.mountPoint = mountPoint;
  }

  static SmallDisk mount() throws IOException, Part.Unavailable, InterruptedException {
    Path point = RunDirectory.newDirectory("disk");
    try {
      Command.run(
          "mount", "-t", "tmpfs", "-o", "size=" + SIZE + ",mode=0755", "tmpfs", point.toString());
      RunDirectory.undo("umount --lazy " + point);
      return new SmallDisk(point);
    } catch (Part.Unavailable e) {
      Files.delete(point);
      throw e;
    }
  }

  /** Moves a directory here, and leaves a link to it where it was. */
  void take(Path directory) throws IOException, Part.Unavailable, InterruptedException {
    Path here = mountPoint.resolve("taken");
    Command.run("cp", "-a", directory.toString(), here.toString());
    Path old = directory.resolveSibling(directory.getFileName() + ".moved");
    Files.move(directory, old, StandardCopyOption.ATOMIC_MOVE);
    Files.createSymbolicLink(directory, here);
    Command.run("chown", "-h", "--reference=" + old, directory.toString());
    List<Path> all;
    try (Stream<Path> files = Files.walk(old)) {
      all = files.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path path : all) {
      Files.delete(path);
    }
  }

  private Path filling() {
    return mountPoint.resolve("filling");
  }

  /** Takes all the room that is left. */
  void fill() throws IOException {
    byte[] block = new byte[MB / 16];
    try (var out = Files.newOutputStream(filling())) {
      while (true) {
        out.write(block);
      }
    } catch (IOException e) {
      if (mountPoint.toFile().getUsableSpace() >= MB) {
        throw e;
      }
    }
  }

  void free() throws IOException {
    Files.delete(filling());
  }

  @Override
  public void close() throws IOException, InterruptedException {
    atExit.close();
    Command.tryTo("umount", "--lazy", mountPoint.toString());
    Files.delete(mountPoint);
  }
}
