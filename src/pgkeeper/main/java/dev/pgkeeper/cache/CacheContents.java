package dev.pgkeeper.cache;

import dev.pgkeeper.internal.path.ChildPaths;
import dev.pgkeeper.tree.Node;
import dev.pgkeeper.tree.NodeSums;
import dev.pgkeeper.tree.PathNode;
import dev.pgkeeper.tree.Stat;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The nodes that a {@link NodeCache} keeps, sorted by path. One thread changes it, handing in one
 * look after the other, each taken after the one before; any thread reads it.
 */
final class CacheContents {
  private static final byte[] NONE = {};

  /** In the place of the data of nodes that the filter leaves out. */
  private static final byte[] HIDDEN = {};

  private final String root;
  private final CacheOptions options;
  private final ConcurrentSkipListMap<String, Entry> entries = new ConcurrentSkipListMap<>();

  // Only the changing thread uses these.
  private NodeSums sums = NodeSums.NONE;
  private long dataBytes;
  private List<CacheChange> changes = new ArrayList<>();

  private final AtomicInteger shown = new AtomicInteger();

  /** There is more than the options allow. */
  static final class Overflow extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Overflow(String message) {
      super(message);
    }
  }

  /** A node without objects for its moments and its stat: there may be very many. */
  private static final class Entry {
    final byte[] data;
    private final long czxid;
    private final long mzxid;
    private final long pzxid;
    private final long ctimeMicros;
    private final long mtimeMicros;
    private final long owner;
    private final int version;
    private final int cversion;
    private final int dataLength;
    private final int children;

    Entry(Stat stat, byte[] data) {
      this.data = data;
      this.czxid = stat.czxid();
      this.mzxid = stat.mzxid();
      this.pzxid = stat.pzxid();
      this.ctimeMicros = micros(stat.ctime());
      this.mtimeMicros = micros(stat.mtime());
      this.owner = stat.ephemeralOwner();
      this.version = stat.version();
      this.cversion = stat.cversion();
      this.dataLength = stat.dataLength();
      this.children = stat.numChildren();
    }

    private static long micros(Instant moment) {
      return TimeUnit.SECONDS.toMicros(moment.getEpochSecond()) + moment.getNano() / 1000;
    }

    private static Instant moment(long micros) {
      return Instant.ofEpochSecond(
          Math.floorDiv(micros, 1_000_000L), Math.floorMod(micros, 1_000_000L) * 1000);
    }

    boolean isShown() {
      return data != HIDDEN;
    }

    Node node() {
      return new Node(
          data,
          new Stat(
              czxid,
              mzxid,
              moment(ctimeMicros),
              moment(mtimeMicros),
              version,
              cversion,
              owner,
              dataLength,
              children,
              pzxid));
    }
  }

  CacheContents(String root, CacheOptions options) {
    this.root = root;
    this.options = options;
  }

  // Looks.

  /** Whether a node that was looked at is new, or another one than before. */
  boolean put(PathNode seen) {
    Stat stat = seen.node().stat();
    Entry before = entries.get(seen.path());
    boolean isSame = before != null && before.czxid == stat.czxid();
    Entry now;
    if (before != null && isSame && before.mzxid == stat.mzxid()) {
      now = new Entry(stat, before.data);
    } else {
      now = new Entry(stat, kept(seen));
    }
    entries.put(seen.path(), now);
    count(before, now);
    if (now.isShown()) {
      if (before != null && !isSame) {
        changes.add(new CacheChange(seen.path(), before.node(), null));
        changes.add(new CacheChange(seen.path(), null, now.node()));
      } else if (before == null || before.mzxid != now.mzxid) {
        changes.add(new CacheChange(seen.path(), shownNode(before), now.node()));
      }
    }
    return !isSame;
  }

  private byte[] kept(PathNode seen) {
    if (!options.filter().test(seen.path())) {
      return HIDDEN;
    }
    return options.keepsData() ? seen.node().data() : NONE;
  }

  /** A path with nothing at it any more, and so nothing below it. Whether there was something. */
  boolean remove(String path) {
    for (String below : below(path).descendingKeySet()) {
      removeOne(below);
    }
    return removeOne(path);
  }

  private boolean removeOne(String path) {
    Entry before = entries.remove(path);
    if (before != null) {
      count(before, null);
      if (before.isShown()) {
        changes.add(new CacheChange(path, before.node(), null));
      }
    }
    return before != null;
  }

  /** All that there is after one path ({@code ""} for the first) up to the last of these. */
  void putPage(String after, List<PathNode> page, boolean isLast) {
    NavigableMap<String, Entry> rest = after.isEmpty() ? entries : entries.tailMap(after, false);
    if (!isLast) {
      rest = rest.headMap(page.get(page.size() - 1).path(), true);
    }
    int next = 0;
    List<String> gone = new ArrayList<>();
    for (String known : rest.keySet()) {
      while (next < page.size() && page.get(next).path().compareTo(known) < 0) {
        next++;
      }
      if (next == page.size() || !page.get(next).path().equals(known)) {
        gone.add(known);
      }
    }
    for (int i = gone.size() - 1; i >= 0; i--) {
      removeOne(gone.get(i));
    }
    page.forEach(this::put);
  }

  private void count(@Nullable Entry before, @Nullable Entry now) {
    int more = 0;
    if (before != null) {
      sums = sums.minus(before.czxid, before.mzxid, before.pzxid);
      dataBytes -= before.data.length;
      more -= before.isShown() ? 1 : 0;
    }
    if (now != null) {
      sums = sums.plus(now.czxid, now.mzxid, now.pzxid);
      dataBytes += now.data.length;
      more += now.isShown() ? 1 : 0;
    }
    shown.addAndGet(more);
    if (sums.nodes() > options.mostNodes() || dataBytes > options.mostDataBytes()) {
      throw new Overflow(
          root
              + ": there is more than a cache of "
              + options.mostNodes()
              + " nodes and "
              + options.mostDataBytes()
              + " bytes of data may keep; use a smaller scope, CacheOptions.withoutData, or raise the limit");
    }
  }

  NodeSums sums() {
    return sums;
  }

  /** What was found since this was last asked. */
  List<CacheChange> takeChanges() {
    List<CacheChange> taken = changes;
    changes = new ArrayList<>();
    return taken;
  }

  // Reading.

  Optional<Node> get(String path) {
    return Optional.ofNullable(shownNode(entries.get(path)));
  }

  private static @Nullable Node shownNode(@Nullable Entry entry) {
    return entry == null || !entry.isShown() ? null : entry.node();
  }

  List<String> children(String path) {
    String prefix = ChildPaths.prefix(path);
    ConcurrentNavigableMap<String, Entry> below = below(path);
    List<String> names = new ArrayList<>();
    String next = below.isEmpty() ? null : below.ceilingKey(prefix);
    while (next != null) {
      int end = next.indexOf('/', prefix.length());
      if (end > 0) {
        next = below.ceilingKey(next.substring(0, end) + "0");
      } else {
        Entry entry = below.get(next);
        if (entry != null && entry.isShown()) {
          names.add(next.substring(prefix.length()));
        }
        next = below.higherKey(next);
      }
    }
    return names;
  }

  ConcurrentNavigableMap<String, Entry> below(String path) {
    return path.equals("/")
        ? entries.tailMap("/", false)
        : entries.subMap(path + "/", false, path + "0", false);
  }

  Stream<PathNode> stream() {
    return entries.entrySet().stream()
        .filter(each -> each.getValue().isShown())
        .map(each -> new PathNode(each.getKey(), each.getValue().node()));
  }

  int size() {
    return shown.get();
  }

  void clear() {
    entries.clear();
    shown.set(0);
  }
}
