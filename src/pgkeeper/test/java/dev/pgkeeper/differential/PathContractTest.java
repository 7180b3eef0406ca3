package dev.pgkeeper.differential;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.KeeperException.Code;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Op;
import dev.pgkeeper.tree.Read;
import dev.pgkeeper.tree.Tree;
import dev.pgkeeper.tree.WatchKind;
import dev.pgkeeper.tree.WatchMode;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a path may be, and what is special about the root. */
class PathContractTest extends Contract {

  private static final int WATCHER = 0;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "a",
        "a/b",
        "/a/",
        "//",
        "//a",
        "/a//b",
        "/.",
        "/..",
        "/a/.",
        "/a/..",
        "/./a",
        "/a/../b",
        "/\u0000",
        "/a\u0001b",
        "/\u001f",
        "/\u007f",
        "/a/\u009f",
        "/\ud800",
        "/\udbff\udfff",
        "/\ue000",
        "/\uf8ff",
        "/\ufff0",
        "/\uffff"
      })
  void aBadPathIsRefusedByEveryCall(String path) {
    assertRefused(run(ANNE, new Step.Create(NewNode.at(path))));
    assertRefused(run(ANNE, new Step.Create(NewNode.at(path).withParents())));
    assertRefused(run(ANNE, new Step.Exists(path, Step.NOBODY)));
    assertRefused(run(ANNE, new Step.Exists(path, WATCHER)));
    assertRefused(run(ANNE, new Step.Get(path, Step.NOBODY)));
    assertRefused(run(ANNE, new Step.Get(path, WATCHER)));
    assertRefused(run(ANNE, new Step.Children(path, Step.NOBODY)));
    assertRefused(run(ANNE, new Step.Children(path, WATCHER)));
    assertRefused(run(ANNE, new Step.Page(path, "", 1)));
    assertRefused(run(ANNE, new Step.Set(path, NOTHING, ANY_VERSION)));
    assertRefused(run(ANNE, new Step.Delete(path, ANY_VERSION)));
    assertRefused(run(ANNE, new Step.DeleteRecursive(path)));
    assertRefused(run(ANNE, new Step.Watch(path, WatchMode.PERSISTENT, WATCHER)));
    assertRefused(run(ANNE, new Step.Unwatch(path, WatchKind.ANY, WATCHER)));
    assertRefused(run(ANNE, new Step.Unwatch(path, WatchKind.ANY, Step.NOBODY)));
    assertRefused(run(ANNE, new Step.ReadAll(List.of(Read.node("/"), Read.node(path)))));
    assertRefused(run(ANNE, new Step.ReadAll(List.of(Read.children(path)))));
    assertRefused(run(ANNE, new Step.Multi(List.of(Op.create("/m", NOTHING), Op.delete(path)))));
    assertRefused(run(ANNE, new Step.Multi(List.of(Op.check(path, ANY_VERSION)))));
    assertRefused(run(ANNE, new Step.Multi(List.of(Op.set(path, NOTHING)))));
    assertRefused(run(ANNE, new Step.Multi(List.of(Op.create(path, NOTHING)))));
    assertThat(children("/")).isEmpty();
  }

  @Test
  void noPathIsRefusedLikeABadOne() {
    for (Subject side : List.of(SIDES.judge(), SIDES.judged())) {
      List<Consumer<Tree>> calls =
          List.of(
              tree -> tree.exists(null),
              tree -> tree.get(null),
              tree -> tree.children(null),
              tree -> tree.set(null, NOTHING),
              tree -> tree.delete(null),
              tree -> tree.watch(null, WatchMode.PERSISTENT, event -> {}),
              tree -> tree.unwatchAll(null, WatchKind.ANY));
      for (Consumer<Tree> call : calls) {
        assertThatThrownBy(() -> call.accept(side.eye()))
            .as(side.name())
            .isInstanceOf(IllegalArgumentException.class);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/a.b",
        "/...",
        "/.a",
        "/a..",
        "/..a",
        "/ ",
        "/~",
        "/\u00a0",
        "/é",
        "/日本",
        "/\ud7ff",
        "/\uf900",
        "/\uffef",
        "/%_\\'\"$;--"
      })
  void anyOtherPathIsGood(String path) {
    assertThat(create(path)).isEqualTo(path);
    assertThat(set(path).version()).isEqualTo(1);
    assertThat(create(path + "/below")).isEqualTo(path + "/below");
    assertThat(children("/")).containsExactly(path.substring(1));
    delete(path + "/below");
    delete(path);
  }

  @ParameterizedTest
  @ValueSource(strings = {"/a/", "/a/.", "/a/..", "/a/b"})
  void aSequentialPathIsCheckedWithItsNumber(String path) {
    create("/a");
    assertThat(create(path, CreateMode.PERSISTENT_SEQUENTIAL)).isEqualTo(path + "0000000000");
    assertThat(create(path, CreateMode.EPHEMERAL_SEQUENTIAL)).isEqualTo(path + "0000000001");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a", "//", "/a//", "/./", "/\u0001"})
  void aSequentialPathMayStillBeBad(String path) {
    NewNode node = NewNode.at(path).mode(CreateMode.PERSISTENT_SEQUENTIAL);
    assertRefused(run(ANNE, new Step.Create(node)));
    assertRefused(run(ANNE, new Step.Multi(List.of(Op.create(node)))));
  }

  @Test
  void theRootCannotBeDeleted() {
    run(ANNE, new Step.Delete("/", ANY_VERSION));
    run(ANNE, new Step.Delete("/", 0));
    create("/a");
    run(ANNE, new Step.Delete("/", 7));
    assertThat(exists("/")).isPresent();
  }

  @Test
  void theRootExistsAlready() {
    assertFailed(run(ANNE, new Step.Create(NewNode.at("/"))), Code.NODE_EXISTS);
    assertFailed(
        run(ANNE, new Step.Create(NewNode.at("/").mode(CreateMode.EPHEMERAL))), Code.NODE_EXISTS);
    assertFailed(run(ANNE, new Step.Multi(List.of(Op.create("/", NOTHING)))), Code.NODE_EXISTS);
  }

  @Test
  void theRootIsANodeLikeAnyOtherOtherwise() {
    assertThat(set("/").version()).isEqualTo(1);
    assertThat(get("/").data()).isEqualTo(SOMETHING);
    create("/a");
    assertThat(stat("/").numChildren()).isEqualTo(1);
    assertThat(multi(Op.check("/", 1), Op.set("/", NOTHING, 1))).hasSize(2);
  }

  @Test
  void aClientWithoutAChrootSeesTheWholeTree() {
    try (Client judge = SIDES.judge().open("/");
        Client judged = SIDES.judged().open("/")) {
      Comparer comparer = new Comparer();
      for (Step step :
          List.of(
              new Step.Delete("/", ANY_VERSION),
              new Step.Create(NewNode.at("/")),
              new Step.Exists("/", Step.NOBODY),
              new Step.Set("/", NOTHING, 7),
              new Step.Multi(List.of(Op.delete("/"))),
              new Step.Multi(List.of(Op.create("/", NOTHING))))) {
        Outcome right = Outcome.of(() -> step.run(judge.tree(), new Listeners()));
        Outcome answer = Outcome.of(() -> step.run(judged.tree(), new Listeners()));
        if (step instanceof Step.Exists) {
          assertThat(answer.isAnswer()).isTrue();
        } else {
          comparer.outcomes(step, right, answer);
        }
      }
    }
  }
}
