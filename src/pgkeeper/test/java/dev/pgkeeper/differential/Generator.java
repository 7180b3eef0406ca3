package dev.pgkeeper.differential;

import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Op;
import dev.pgkeeper.tree.Read;
import dev.pgkeeper.tree.Stat;
import dev.pgkeeper.tree.WatchKind;
import dev.pgkeeper.tree.WatchMode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Chooses what happens next, from a seed and the tree as it stands. Few names, so that steps meet;
 * mostly steps that may succeed, and for each rule some that break it.
 */
final class Generator {

  private static final int NODES_KEPT = 60;
  private static final int DEPTH_KEPT = 4;
  private static final List<String> NAMES = List.of("a", "b", "Z", "é");
  private static final List<String> SEQUENTIAL_NAMES = List.of("", "q-", "a", ".");
  private static final List<String> BAD_PATHS =
      List.of(
          "",
          "a",
          "//",
          "/a/",
          "/a//b",
          "/.",
          "/..",
          "/a/./b",
          "/a/../b",
          "/a\u0000",
          "/a\u0001",
          "/\u001f/b",
          "/a\u007f",
          "/\u0085",
          "/a\ud800",
          "/\ue000",
          "/a\ufff0",
          "/\uffff");
  private static final List<Duration> BAD_TTLS =
      List.of(Duration.ZERO, Duration.ofMillis(-1), Duration.ofMillis(1L << 40));
  private static final Duration LONGEST_TTL = Duration.ofMillis((1L << 40) - 1);

  /** A watcher that was left somewhere, and perhaps still is. */
  private record Left(int client, String path, WatchKind kind, int watcher) {}

  private final Random random;
  private final Lockstep lockstep;
  private final Mirror mirror;
  private final int clients;
  private final List<Left> left = new ArrayList<>();

  Generator(long seed, Lockstep lockstep, int clients) {
    random = new Random(seed);
    this.lockstep = lockstep;
    this.mirror = lockstep.mirror();
    this.clients = clients;
  }

  Turn next() {
    int client = random.nextInt(clients);
    if (!mirror.has(lockstep.root()) && chance(50)) {
      return new Turn.Perform(client, new Step.Create(NewNode.at(lockstep.root())));
    }
    if (mirror.nodes().size() > NODES_KEPT && chance(15)) {
      return new Turn.Perform(client, new Step.DeleteRecursive(belowRoot()));
    }
    int choice = random.nextInt(1000);
    if ((choice -= 10) < 0) {
      left.removeIf(watch -> watch.client == client);
      return new Turn.Replace(client);
    } else if ((choice -= 60) < 0) {
      return performThenRead(client);
    } else if ((choice -= 250) < 0) {
      return new Turn.Perform(client, reading(client, somePath()));
    } else if ((choice -= 40) < 0) {
      return new Turn.Perform(client, readAll());
    } else if ((choice -= 30) < 0) {
      return new Turn.Perform(client, watch(client));
    } else if ((choice -= 60) < 0) {
      return new Turn.Perform(client, unwatch(client));
    } else if ((choice -= 150) < 0) {
      return new Turn.Perform(client, new Step.Multi(multi()));
    } else if ((choice -= 20) < 0) {
      return new Turn.Perform(client, onBadPath(pick(BAD_PATHS)));
    } else {
      return new Turn.Perform(client, writing());
    }
  }

  private Turn performThenRead(int writer) {
    Step write = writing();
    List<String> named = write.named();
    String path = chance(70) ? named.get(0) : Paths.parent(named.get(0));
    if (!Paths.isReadable(path) || !Paths.isWithin(path, lockstep.root())) {
      path = lockstep.root();
    }
    int reader = random.nextInt(clients);
    return new Turn.PerformThenRead(writer, write, reader, reading(reader, path));
  }

  private Step writing() {
    int choice = random.nextInt(100);
    if (choice < 40) {
      return new Step.Create(newNode());
    } else if (choice < 68) {
      String path = somePath();
      return new Step.Set(path, data(), version(path));
    } else if (choice < 95) {
      String path = somePath();
      return new Step.Delete(path, version(path));
    } else {
      return new Step.DeleteRecursive(belowRoot());
    }
  }

  private Step.Reading reading(int client, String path) {
    int watcher = chance(65) ? random.nextInt(Listeners.COUNT) : Step.NOBODY;
    int choice = random.nextInt(7);
    if (watcher != Step.NOBODY) {
      WatchKind kind = choice < 4 ? WatchKind.DATA : WatchKind.CHILDREN;
      left.add(new Left(client, path, kind, watcher));
    }
    return switch (choice) {
      case 0, 1 -> new Step.Exists(path, watcher);
      case 2, 3 -> new Step.Get(path, watcher);
      case 4, 5 -> new Step.Children(path, watcher);
      default -> new Step.Page(path, chance(50) ? "" : pick(NAMES), 1 + random.nextInt(3));
    };
  }

  private Step readAll() {
    List<Read> reads = new ArrayList<>();
    for (int i = random.nextInt(5); i > 0; i--) {
      reads.add(chance(50) ? Read.node(somePath()) : Read.children(somePath()));
    }
    return new Step.ReadAll(reads);
  }

  private Step watch(int client) {
    String path = somePath();
    int watcher = random.nextInt(Listeners.COUNT);
    left.add(new Left(client, path, WatchKind.ANY, watcher));
    return new Step.Watch(path, pick(WatchMode.values()), watcher);
  }

  /** Mostly of one of the last watches, and mostly of the kind that it is of. */
  private Step unwatch(int client) {
    List<Left> own = left.stream().filter(watch -> watch.client == client).toList();
    boolean known = !own.isEmpty() && chance(85);
    Left watch =
        known
            ? own.get(own.size() - 1 - random.nextInt(Math.min(own.size(), 8)))
            : new Left(client, somePath(), WatchKind.ANY, random.nextInt(Listeners.COUNT));
    left.remove(watch);
    WatchKind kind = chance(65) ? watch.kind : pick(WatchKind.values());
    return new Step.Unwatch(watch.path, kind, chance(25) ? Step.NOBODY : watch.watcher);
  }

  private List<Op> multi() {
    boolean hopeful = chance(70);
    List<Op> ops = new ArrayList<>();
    for (int i = random.nextInt(6); i > 0; i--) {
      List<Op> more = hopeful ? hopefulOps() : List.of(op(random.nextInt(4), somePath()));
      for (Op op : more) {
        boolean createdBefore =
            op instanceof Op.Delete && DeliberateDifferences.mayHaveCreated(ops, op.path());
        boolean leaves = lockstep.isChrooted() && DeliberateDifferences.leavesChroot(op);
        if (!createdBefore && !leaves) {
          ops.add(op);
        }
      }
    }
    if (chance(3)) {
      ops.add(op(random.nextInt(4), pick(BAD_PATHS)));
    }
    return ops;
  }

  private Op op(int kind, String path) {
    return switch (kind) {
      case 0 -> Op.create(newNode(path, false));
      case 1 -> Op.set(path, data(), version(path));
      case 2 -> Op.delete(path, version(path));
      default -> Op.check(path, version(path));
    };
  }

  /** Steps that succeed as the tree stands, unless others of the same multi stand in the way. */
  private List<Op> hopefulOps() {
    String path = existing();
    Stat stat = mirror.stat(path).orElse(null);
    if (stat == null) {
      return List.of(Op.check(path, Op.ANY_VERSION));
    }
    boolean leaf = stat.numChildren() == 0 && !path.equals(lockstep.root());
    return switch (random.nextInt(leaf ? 7 : 4)) {
      case 0, 1 -> List.of(Op.create(newNode(Paths.join(path, pick(NAMES)), false)));
      case 2 -> List.of(Op.set(path, data(), hopefulVersion(stat)));
      case 3 -> List.of(Op.check(path, hopefulVersion(stat)));
      case 4 -> List.of(Op.delete(path), Op.create(newNode(path, false)));
      default -> List.of(Op.delete(path, hopefulVersion(stat)));
    };
  }

  private int hopefulVersion(Stat stat) {
    return chance(50) ? stat.version() : Op.ANY_VERSION;
  }

  private Step onBadPath(String path) {
    int watcher = random.nextInt(Listeners.COUNT);
    return switch (random.nextInt(10)) {
      case 0 -> new Step.Create(NewNode.at(path));
      case 1 -> new Step.Create(NewNode.at(path).withParents());
      case 2 -> new Step.Exists(path, watcher);
      case 3 -> new Step.Get(path, watcher);
      case 4 -> new Step.Children(path, Step.NOBODY);
      case 5 -> new Step.Set(path, data(), Op.ANY_VERSION);
      case 6 -> new Step.Delete(path, Op.ANY_VERSION);
      case 7 -> new Step.Watch(path, pick(WatchMode.values()), watcher);
      case 8 -> new Step.Unwatch(path, pick(WatchKind.values()), watcher);
      default -> new Step.ReadAll(List.of(Read.node(existing()), Read.node(path)));
    };
  }

  private NewNode newNode() {
    String path = chance(85) ? Paths.join(existing(), pick(NAMES)) : somePath();
    return newNode(path, chance(8));
  }

  /** A node of any kind; a sequential one becomes a sibling of what was asked for. */
  private NewNode newNode(String path, boolean withParents) {
    CreateMode mode = pick(CreateMode.values());
    NewNode node = NewNode.at(sequentialPath(path, mode)).data(data()).mode(mode);
    if (mode.hasTtl() != chance(2)) {
      Duration good = chance(50) ? Duration.ofHours(1) : LONGEST_TTL;
      node = node.ttl(mode.hasTtl() && chance(3) ? pick(BAD_TTLS) : good);
    }
    return withParents ? node.withParents() : node;
  }

  private String sequentialPath(String path, CreateMode mode) {
    if (!mode.isSequential()) {
      return path;
    }
    String parent = path.equals(lockstep.root()) ? path : Paths.parent(path);
    String sequential = Paths.join(parent, pick(SEQUENTIAL_NAMES));
    boolean leaves =
        lockstep.isChrooted()
            && DeliberateDifferences.leavesChroot(NewNode.at(sequential).mode(mode));
    return leaves ? "/q-" : sequential;
  }

  private byte[] data() {
    byte[] data = new byte[random.nextInt(3)];
    random.nextBytes(data);
    return data;
  }

  private int version(String path) {
    int choice = random.nextInt(100);
    if (choice < 45) {
      return mirror.stat(path).map(Stat::version).orElse(0);
    }
    return choice < 85 ? Op.ANY_VERSION : random.nextInt(4);
  }

  /** A path that perhaps exists, at or below the root. */
  private String somePath() {
    if (chance(65)) {
      return existing();
    }
    String path = Paths.join(existing(), pick(NAMES));
    return chance(20) ? Paths.join(path, pick(NAMES)) : path;
  }

  private String existing() {
    List<String> paths = mirror.paths();
    if (paths.isEmpty() || chance(4)) {
      return lockstep.root();
    }
    String path = pick(paths);
    return Paths.ancestors(path).size() < DEPTH_KEPT ? path : Paths.parent(path);
  }

  private String belowRoot() {
    String path = somePath();
    return path.equals(lockstep.root()) ? Paths.join(path, pick(NAMES)) : path;
  }

  private boolean chance(int percent) {
    return random.nextInt(100) < percent;
  }

  private <T> T pick(List<T> values) {
    return values.get(random.nextInt(values.size()));
  }

  private <T extends Enum<T>> T pick(T[] values) {
    return values[random.nextInt(values.length)];
  }
}
