package dev.pgkeeper.internal.session;

import dev.pgkeeper.SessionState;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** All that lives with one session. */
final class Companions implements Companion {
  private final List<Companion> all = new CopyOnWriteArrayList<>();

  void add(Companion another) {
    all.add(another);
  }

  @Override
  public void rung(Collection<String> payloads) {
    all.forEach(one -> one.rung(payloads));
  }

  @Override
  public boolean isIdle() {
    return all.stream().allMatch(Companion::isIdle);
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
