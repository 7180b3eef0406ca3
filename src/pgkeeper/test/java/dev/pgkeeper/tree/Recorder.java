package dev.pgkeeper.tree;

import dev.pgkeeper.testing.Await;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A watcher that keeps what it was told, as {@code "NODE_CREATED /a"}. */
public final class Recorder implements Watcher {

  private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();

  @Override
  public void process(WatchedEvent event) {
    if (event.type() != EventType.NONE) {
      heard.add(event.type() + " " + event.path());
    }
  }

  /** The next thing it was told, or will be told soon. */
  public String next() throws InterruptedException {
    String next = heard.poll(Await.LIMIT.toSeconds(), TimeUnit.SECONDS);
    return next == null ? "nothing within " + Await.LIMIT : next;
  }

  /** What it was told so far and was not asked for yet. After a sync: all there is. */
  public List<String> soFar() {
    List<String> all = new ArrayList<>();
    heard.drainTo(all);
    return all;
  }
}
