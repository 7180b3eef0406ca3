package dev.pgkeeper.discovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.Subscription;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Heard;
import dev.pgkeeper.testing.KeeperProcess;
import dev.pgkeeper.testing.TwoClients;
import dev.pgkeeper.tree.NewNode;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 10, unit = TimeUnit.MINUTES)
class GroupTest extends TwoClients {
  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** The members as "id=data". */
  private static List<String> said(List<Member> members) {
    return members.stream()
        .map(member -> member.id() + "=" + new String(member.data(), StandardCharsets.UTF_8))
        .toList();
  }

  @Test
  void membersSeeEachOtherWithTheirDataAndSessions() {
    Group group = keeper.group("/group/seen");
    assertThat(group.members()).isEmpty();
    try (Membership ada = group.join("ada", bytes("1"));
        Membership bob = other.group("/group/seen").join("bob", bytes("2"))) {
      List<Member> members = group.members();
      assertThat(said(members)).containsExactly("ada=1", "bob=2");
      assertThat(members.stream().map(Member::session))
          .containsExactly(keeper.session().id(), other.session().id());
      assertThat(members.get(0).since()).isBefore(members.get(1).since());
      assertThat(members).isEqualTo(other.group("/group/seen").members());
      assertThat(ada.isThere() && bob.isThere()).isTrue();
    }
    assertThat(group.members()).isEmpty();
  }

  @Test
  void listenersAreToldWhoIsThereFirstAndThenWhoComesChangesAndGoes() {
    Group group = keeper.group("/group/told");
    Membership ada = group.join("ada", bytes("1"));
    Heard<List<String>> heard = new Heard<>();
    try (Subscription subscription =
        other.group("/group/told").onChange(members -> heard.add(said(members)))) {
      heard.await(List.of("ada=1"));
      assertThat(heard.all().get(0)).containsExactly("ada=1");
      Membership bob = other.group("/group/told").join("bob", bytes("2"));
      heard.await(List.of("ada=1", "bob=2"));
      ada.update(bytes("3"));
      heard.await(List.of("ada=3", "bob=2"));
      bob.close();
      heard.await(List.of("ada=3"));
      ada.close();
      heard.await(List.of());
    }
    assertThat(group.members()).isEmpty();
  }

  @Test
  void anEmptyGroupIsToldToo() {
    Heard<List<Member>> heard = new Heard<>();
    try (Subscription subscription = keeper.group("/group/nobody").onChange(heard::add)) {
      heard.await(List.of());
    }
  }

  @Test
  void whoeverLostItsSessionIsAMemberAgainOnceWithItsLatestData() {
    Heard<List<Member>> heard = new Heard<>();
    try (Keeper owner = database.keeper();
        Membership ada = owner.group("/group/again").join("ada", bytes("1"));
        Subscription subscription = keeper.group("/group/again").onChange(heard::add)) {
      ada.update(bytes("2"));
      long lost = owner.session().id();
      database.execute("SELECT ${schema}.session_end(" + lost + ")");
      heard.await(
          members -> said(members).equals(List.of("ada=2")) && members.get(0).session() != lost);
      assertThat(keeper.tree().children("/group/again")).containsExactly("ada");
    }
  }

  @Test
  void whoListensGoesOnAfterItsOwnLostSession() {
    Heard<List<String>> heard = new Heard<>();
    try (Keeper listener = database.keeper();
        Subscription subscription =
            listener.group("/group/deaf").onChange(members -> heard.add(said(members)))) {
      database.execute("SELECT ${schema}.session_end(" + listener.session().id() + ")");
      try (Membership ada = keeper.group("/group/deaf").join("ada", bytes("1"))) {
        heard.await(List.of("ada=1"));
        ada.update(bytes("2"));
        heard.await(List.of("ada=2"));
      }
    }
  }

  @Test
  void whoeverIsKilledIsNoMember() throws Exception {
    Heard<List<String>> heard = new Heard<>();
    try (Subscription subscription =
            keeper.group("/group/killed").onChange(members -> heard.add(said(members)));
        KeeperProcess process =
            KeeperProcess.start(database, database.keeperOptions(), "/group/killed/ada")) {
      heard.await(List.of("ada="));
      int before = heard.all().size();
      process.process().kill9();
      Await.until("it is gone", () -> heard.all().size() > before && last(heard).isEmpty());
    }
  }

  private static List<String> last(Heard<List<String>> heard) {
    List<List<String>> all = heard.all();
    return all.get(all.size() - 1);
  }

  @Test
  void whatStaysWithoutASessionIsNoMember() {
    keeper.tree().create(NewNode.at("/group/nested/sub").withParents());
    try (Membership ada = keeper.group("/group/nested").join("ada", bytes("1"))) {
      assertThat(said(keeper.group("/group/nested").members())).containsExactly("ada=1");
      assertThat(ada.id()).isEqualTo("ada");
    }
  }

  @Test
  void whoJoinsWithoutANameHasOneOfItsOwn() {
    Group group = keeper.group("/group/names");
    try (Membership one = group.join(bytes("1"));
        Membership two = group.join(bytes("2"))) {
      assertThat(group.members().stream().map(Member::id))
          .containsExactlyInAnyOrder(one.id(), two.id());
    }
  }

  @Test
  void theIdOfAnotherOneIsWaitedFor() throws Exception {
    Membership first = keeper.group("/group/same").join("ada", bytes("1"));
    try (Membership second = other.group("/group/same").join("ada", bytes("2"))) {
      assertThat(second.isThere()).isFalse();
      assertThat(said(keeper.group("/group/same").members())).containsExactly("ada=1");
      first.close();
      assertThat(second.awaitThere(Await.LIMIT)).isTrue();
      assertThat(said(keeper.group("/group/same").members())).containsExactly("ada=2");
    }
  }

  @Test
  void badIdsAreRefusedAndDataDoNotGetIntoALog() {
    Group group = keeper.group("/group/bad");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> group.join("", bytes("1")))
        .withMessageContaining("/group/bad");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> group.join("a/b", bytes("1")))
        .withMessageContaining("a/b");
    try (Membership ada = group.join("ada", bytes("secret"))) {
      assertThat(group.members().toString()).contains("ada").doesNotContain("secret");
      assertThat(ada.toString()).doesNotContain("secret");
    }
  }
}
