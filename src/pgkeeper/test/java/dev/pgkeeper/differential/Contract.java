package dev.pgkeeper.differential;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.KeeperException.Code;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.Created;
import dev.pgkeeper.tree.EventType;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Node;
import dev.pgkeeper.tree.Op;
import dev.pgkeeper.tree.OpResult;
import dev.pgkeeper.tree.Stat;
import dev.pgkeeper.tree.WatchKind;
import dev.pgkeeper.tree.WatchMode;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * What a test of one rule needs: two clients below a root of their own, whose steps are done on
 * both sides and compared in all that shows. A test adds what the rule says of the answer.
 */
abstract class Contract {

  @RegisterExtension static final BothSides SIDES = new BothSides();

  static final int ANNE = 0;
  static final int BOB = 1;

  static final int ANY_VERSION = Op.ANY_VERSION;
  static final byte[] NOTHING = {};
  static final byte[] SOMETHING = "something".getBytes(StandardCharsets.UTF_8);

  Lockstep lockstep;

  @BeforeEach
  void openSessions() {
    lockstep = SIDES.lockstep();
    lockstep.open(ANNE);
    lockstep.open(BOB);
  }

  @AfterEach
  void compareAndClose() {
    lockstep.compareWholeTree();
    lockstep.close();
  }

  Outcome run(int client, Step step) {
    return lockstep.perform(client, step);
  }

  String create(String path) {
    return create(path, CreateMode.PERSISTENT);
  }

  String create(String path, CreateMode mode) {
    return created(ANNE, NewNode.at(path).mode(mode)).path();
  }

  String createWithTtl(String path, Duration ttl) {
    return created(ANNE, NewNode.at(path).mode(CreateMode.PERSISTENT_WITH_TTL).ttl(ttl)).path();
  }

  Created created(int client, NewNode node) {
    return (Created) value(run(client, new Step.Create(node)));
  }

  Stat set(String path) {
    return (Stat) value(run(ANNE, new Step.Set(path, SOMETHING, ANY_VERSION)));
  }

  void delete(String path) {
    value(run(ANNE, new Step.Delete(path, ANY_VERSION)));
  }

  Node get(String path) {
    return (Node) value(run(ANNE, new Step.Get(path, Step.NOBODY)));
  }

  Optional<?> exists(String path) {
    return (Optional<?>) value(run(ANNE, new Step.Exists(path, Step.NOBODY)));
  }

  Stat stat(String path) {
    return get(path).stat();
  }

  List<String> children(String path) {
    return children(ANNE, path);
  }

  List<String> children(int client, String path) {
    List<?> names = (List<?>) value(run(client, new Step.Children(path, Step.NOBODY)));
    return names.stream().map(String.class::cast).toList();
  }

  List<OpResult> multi(Op... ops) {
    List<?> results = (List<?>) value(run(ANNE, new Step.Multi(List.of(ops))));
    return results.stream().map(OpResult.class::cast).toList();
  }

  /** Bob leaves a watcher with an exists. */
  void watchNode(String path, int watcher) {
    value(run(BOB, new Step.Exists(path, watcher)));
  }

  /** Bob leaves a watcher with a get. */
  void watchData(String path, int watcher) {
    value(run(BOB, new Step.Get(path, watcher)));
  }

  /** Bob leaves a watcher with a look at the children. */
  void watchChildren(String path, int watcher) {
    value(run(BOB, new Step.Children(path, watcher)));
  }

  /** Bob leaves a watcher for good. */
  void watchForGood(String path, WatchMode mode, int watcher) {
    value(run(BOB, new Step.Watch(path, mode, watcher)));
  }

  Outcome unwatch(String path, WatchKind kind, int watcher) {
    return run(BOB, new Step.Unwatch(path, kind, watcher));
  }

  /** The answer to a step that must have been done. */
  static Object value(Outcome outcome) {
    assertThat(outcome).isInstanceOf(Outcome.Answer.class);
    return ((Outcome.Answer) outcome).value();
  }

  static void assertFailed(Outcome outcome, Code code) {
    assertThat(outcome).isInstanceOf(Outcome.Failure.class);
    assertThat(((Outcome.Failure) outcome).code()).isEqualTo(code);
  }

  static void assertRefused(Outcome outcome) {
    assertThat(outcome).isInstanceOf(Outcome.Refusal.class);
  }

  /** Checks what Bob's watchers were told of the last step, in order. */
  void assertBobHeard(Heard... heard) {
    assertThat(lockstep.heard(BOB)).containsExactly(heard);
  }

  static Heard heard(int watcher, EventType type, String path) {
    return new Heard(watcher, type, path);
  }

  static List<Code> codes(Code... codes) {
    return Arrays.asList(codes);
  }
}
