package dev.pgkeeper.internal.session;

import dev.pgkeeper.SessionState;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** All that lives with one session. */
final class SessionServices implements SessionService {
  private static final Logger log = LoggerFactory.getLogger(SessionServices.class);

  private final List<SessionService> all = new CopyOnWriteArrayList<>();

  void add(SessionService another) {
    all.add(another);
  }

  /** One that fails is no reason to end the connection, nor for the others not to hear it. */
  @Override
  public void rung(String payload) {
    for (SessionService one : all) {
      try {
        one.rung(payload);
      } catch (RuntimeException e) {
        log.error("{} could not read a ring", one.getClass().getSimpleName(), e);
      }
    }
  }

  @Override
  public boolean isBehind() {
    return all.stream().anyMatch(SessionService::isBehind);
  }

  @Override
  public void look(Caller caller) {
    each(SessionService::isBehind, one -> one.look(caller));
  }

  @Override
  public void catchUp(Caller caller) {
    each(one -> true, one -> one.catchUp(caller));
  }

  @Override
  public boolean isIdle() {
    return all.stream().allMatch(SessionService::isIdle);
  }

  @Override
  public void sweep(Caller caller) {
    each(one -> !one.isIdle(), one -> one.sweep(caller));
  }

  @Override
  public void returned(Caller caller) {
    each(one -> true, one -> one.returned(caller));
  }

  @Override
  public void told(SessionState state) {
    each(one -> true, one -> one.told(state));
  }

  /**
   * Goes on after one that fails, so that it keeps nothing from the others; then fails as it did.
   */
  private void each(Predicate<SessionService> which, Consumer<SessionService> work) {
    RuntimeException failure = null;
    for (SessionService one : all) {
      try {
        if (which.test(one)) {
          work.accept(one);
        }
      } catch (RuntimeException e) {
        if (failure == null) {
          failure = e;
        } else if (failure != e) {
          failure.addSuppressed(e);
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
  }
}
