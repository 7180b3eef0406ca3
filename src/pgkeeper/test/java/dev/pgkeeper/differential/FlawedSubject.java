package dev.pgkeeper.differential;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperException.Code;
import dev.pgkeeper.tree.Created;
import dev.pgkeeper.tree.EventType;
import dev.pgkeeper.tree.Node;
import dev.pgkeeper.tree.OpResult;
import dev.pgkeeper.tree.Stat;
import dev.pgkeeper.tree.Tree;
import dev.pgkeeper.tree.WatchedEvent;
import dev.pgkeeper.tree.Watcher;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A ZooKeeper with one thing wrong with it, most of the time right: the comparison has to find it.
 */
final class FlawedSubject implements Subject {

  private static final int RIGHT_BETWEEN_WRONG = 7;

  /** What is wrong. */
  enum Flaw {
    VERSION_OFF,
    CVERSION_OFF,
    OWNER_OFF,
    LENGTH_OFF,
    MTIME_MOVES,
    CZXID_TOO_NEW,
    PZXID_STANDS_STILL,
    MZXID_BACKWARDS,
    DATA_OFF,
    CHILD_MISSING,
    PARTIAL_CREATE_PATH,
    OTHER_ERROR,
    ERROR_OF_OTHER_PATH,
    REFUSAL_INSTEAD_OF_ERROR,
    STEPS_AFTER_THE_FAILED_ARE_OK,
    DELETE_NOT_DONE,
    SET_DONE_TWICE,
    SESSION_LEFT_OPEN,
    EVENT_LOST,
    EVENT_DOUBLED,
    EVENT_OF_OTHER_TYPE,
    EVENT_OF_OTHER_PATH,
    EVENT_LATE
  }

  private final Subject right;
  private final Flaw flaw;
  private int occasions;

  FlawedSubject(Subject right, Flaw flaw) {
    this.right = right;
    this.flaw = flaw;
  }

  private record Wrong(Client right, Tree tree, boolean staysOpen) implements Client {
    @Override
    public long sessionId() {
      return right.sessionId();
    }

    @Override
    public void close() {
      if (!staysOpen) {
        right.close();
      }
    }
  }

  @Override
  public String name() {
    return flaw.toString();
  }

  @Override
  public Tree eye() {
    return right.eye();
  }

  @Override
  public Client open(String chroot) {
    Client client = right.open(chroot);
    Map<Watcher, Watcher> watchers = new HashMap<>();
    Tree tree =
        (Tree)
            Proxy.newProxyInstance(
                Tree.class.getClassLoader(),
                new Class<?>[] {Tree.class},
                (proxy, method, arguments) ->
                    call(client.tree(), method, replaced(arguments, watchers)));
    return new Wrong(client, tree, flaw == Flaw.SESSION_LEFT_OPEN);
  }

  @Override
  public void settle(Collection<? extends Client> clients) {
    right.settle(clients.stream().map(client -> ((Wrong) client).right).toList());
  }

  @Override
  public void expire(Client client) {
    right.expire(((Wrong) client).right);
  }

  @Override
  public void reap(long millis) {
    right.reap(millis);
  }

  @Override
  public void close() {
    right.close();
  }

  private synchronized boolean isOccasion() {
    return ++occasions % RIGHT_BETWEEN_WRONG == 0;
  }

  private Object[] replaced(Object[] arguments, Map<Watcher, Watcher> watchers) {
    if (arguments == null) {
      return new Object[0];
    }
    Object[] replaced = arguments.clone();
    for (int i = 0; i < replaced.length; i++) {
      if (replaced[i] instanceof Watcher watcher) {
        replaced[i] = watchers.computeIfAbsent(watcher, it -> event -> tell(it, event));
      }
    }
    return replaced;
  }

  private Object call(Tree tree, Method method, Object[] arguments) throws Throwable {
    try {
      if (flaw == Flaw.DELETE_NOT_DONE && method.getName().equals("delete") && isOccasion()) {
        tree.get((String) arguments[0]);
        return null;
      }
      if (flaw == Flaw.SET_DONE_TWICE && method.getName().equals("set") && isOccasion()) {
        Object answer = method.invoke(tree, arguments);
        tree.set((String) arguments[0], (byte[]) arguments[1]);
        return answer;
      }
      return answer(method.invoke(tree, arguments));
    } catch (InvocationTargetException e) {
      throw e.getCause() instanceof KeeperException refused ? error(refused) : e.getCause();
    }
  }

  private Object answer(Object answer) {
    if (answer instanceof Stat stat) {
      return stat(stat);
    } else if (answer instanceof Optional<?> found) {
      return found.map(stat -> stat((Stat) stat));
    } else if (answer instanceof Node node) {
      boolean off = flaw == Flaw.DATA_OFF && node.data().length > 0 && isOccasion();
      return new Node(off ? new byte[node.data().length] : node.data(), stat(node.stat()));
    } else if (answer instanceof Created created) {
      boolean cut = flaw == Flaw.PARTIAL_CREATE_PATH && isOccasion();
      String path = created.path();
      return new Created(cut ? path.substring(0, path.length() - 1) : path, stat(created.stat()));
    } else if (answer instanceof List<?> list
        && flaw == Flaw.CHILD_MISSING
        && list.size() > 1
        && list.get(0) instanceof String
        && isOccasion()) {
      return list.subList(1, list.size());
    }
    return answer;
  }

  private Stat stat(Stat s) {
    if (flaw == Flaw.PZXID_STANDS_STILL && s.numChildren() > 0 && isOccasion()) {
      return changed(s, s.czxid(), s.mzxid(), s.czxid());
    }
    if (flaw == Flaw.MZXID_BACKWARDS && s.version() > 0 && isOccasion()) {
      return changed(s, s.czxid(), s.czxid() - 1, s.pzxid());
    }
    boolean statFlaw =
        switch (flaw) {
          case VERSION_OFF, CVERSION_OFF, OWNER_OFF, LENGTH_OFF, MTIME_MOVES, CZXID_TOO_NEW -> true;
          default -> false;
        };
    if (!statFlaw || !isOccasion()) {
      return s;
    }
    return new Stat(
        flaw == Flaw.CZXID_TOO_NEW ? s.czxid() + 1 : s.czxid(),
        s.mzxid(),
        s.ctime(),
        flaw == Flaw.MTIME_MOVES ? s.mtime().plusMillis(1) : s.mtime(),
        flaw == Flaw.VERSION_OFF ? s.version() + 1 : s.version(),
        flaw == Flaw.CVERSION_OFF ? s.cversion() + 1 : s.cversion(),
        flaw == Flaw.OWNER_OFF ? s.ephemeralOwner() + 1 : s.ephemeralOwner(),
        flaw == Flaw.LENGTH_OFF ? s.dataLength() + 1 : s.dataLength(),
        s.numChildren(),
        s.pzxid());
  }

  private static Stat changed(Stat s, long czxid, long mzxid, long pzxid) {
    return new Stat(
        czxid,
        mzxid,
        s.ctime(),
        s.mtime(),
        s.version(),
        s.cversion(),
        s.ephemeralOwner(),
        s.dataLength(),
        s.numChildren(),
        pzxid);
  }

  private Throwable error(KeeperException right) {
    if (flaw == Flaw.STEPS_AFTER_THE_FAILED_ARE_OK
        && right instanceof KeeperException.MultiFailed multi
        && isOccasion()) {
      List<OpResult> results =
          multi.results().stream()
              .map(
                  result ->
                      result.code() == Code.RUNTIME_INCONSISTENCY
                          ? new OpResult(Code.OK, result.path(), null)
                          : result)
              .toList();
      return new KeeperException.MultiFailed(multi.code(), multi.path(), 0, results);
    }
    if (right instanceof KeeperException.MultiFailed) {
      return right;
    }
    return switch (flaw) {
      case OTHER_ERROR ->
          right.code() == Code.NO_NODE && isOccasion()
              ? KeeperException.of(Code.BAD_VERSION, right.path())
              : right;
      case ERROR_OF_OTHER_PATH ->
          isOccasion() ? KeeperException.of(right.code(), right.path() + "/") : right;
      case REFUSAL_INSTEAD_OF_ERROR ->
          isOccasion() ? new IllegalArgumentException(right.getMessage()) : right;
      default -> right;
    };
  }

  private void tell(Watcher watcher, WatchedEvent event) {
    boolean eventFlaw = flaw.name().startsWith("EVENT_") && event.type() != EventType.NONE;
    if (!eventFlaw || !isOccasion()) {
      watcher.process(event);
      return;
    }
    switch (flaw) {
      case EVENT_LOST -> {}
      case EVENT_DOUBLED -> {
        watcher.process(event);
        watcher.process(event);
      }
      case EVENT_OF_OTHER_TYPE ->
          watcher.process(
              new WatchedEvent(
                  event.type() == EventType.NODE_DELETED
                      ? EventType.NODE_DATA_CHANGED
                      : EventType.NODE_DELETED,
                  event.state(),
                  event.path()));
      case EVENT_OF_OTHER_PATH ->
          watcher.process(new WatchedEvent(event.type(), event.state(), event.path() + "/x"));
      default -> new Thread(() -> tellLate(watcher, event)).start();
    }
  }

  private static void tellLate(Watcher watcher, WatchedEvent event) {
    try {
      Thread.sleep(20);
      watcher.process(event);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
