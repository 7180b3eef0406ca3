package dev.pgkeeper.internal.session;

import dev.pgkeeper.SessionState;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
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
    all.stream().filter(SessionService::isBehind).forEach(one -> one.look(caller));
  }

  @Override
  public void catchUp(Caller caller) {
    all.forEach(one -> one.catchUp(caller));
  }

  @Override
  public boolean isIdle() {
    return all.stream().allMatch(SessionService::isIdle);
  }

  @Override
  public void sweep(Caller caller) {
    all.stream().filter(one -> !one.isIdle()).forEach(one -> one.sweep(caller));
  }

  @Override
  public void returned(Caller caller) {
    all.forEach(one -> one.returned(caller));
  }

  @Override
  public void told(SessionState state) {
    all.forEach(one -> one.told(state));
  }
}
