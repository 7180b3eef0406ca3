package dev.pgkeeper.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Who is to own what, without a database. */
class SharesTest {
  private static List<String> names(String prefix, int number) {
    return IntStream.range(0, number).mapToObj(i -> prefix + i).toList();
  }

  private static long moved(Map<String, String> before, Map<String, String> after) {
    return before.entrySet().stream()
        .filter(entry -> !entry.getValue().equals(after.get(entry.getKey())))
        .count();
  }

  @Test
  void everyElementHasOneOwnerAndSharesDifferByOneAtMost() {
    for (int elements : new int[] {1, 2, 7, 64, 100, 333}) {
      for (int members : new int[] {1, 2, 3, 5, 16, 40}) {
        Map<String, String> owners = Shares.of(names("shard-", elements), names("m", members));
        assertThat(owners.keySet()).containsExactlyInAnyOrderElementsOf(names("shard-", elements));
        Map<String, Integer> sizes = new TreeMap<>();
        names("m", members).forEach(member -> sizes.put(member, 0));
        owners.values().forEach(member -> sizes.merge(member, 1, Integer::sum));
        assertThat(sizes).as("%s of %s", elements, members).hasSize(members);
        assertThat(Collections.max(sizes.values()) - Collections.min(sizes.values()))
            .as("%s of %s", elements, members)
            .isBetween(0, 1);
      }
    }
  }

  @Test
  void everybodyComesToTheSameInWhateverOrderMembersAndElementsAreNamed() {
    Random random = new Random(1);
    List<String> elements = new ArrayList<>(names("shard-", 100));
    List<String> members = new ArrayList<>(names("m", 7));
    Map<String, String> owners = Shares.of(elements, members);
    for (int i = 0; i < 20; i++) {
      Collections.shuffle(elements, random);
      Collections.shuffle(members, random);
      assertThat(Shares.of(elements, members)).isEqualTo(owners);
    }
  }

  /** Processes of different versions share out together: what this says stays for ever. */
  @Test
  void everyVersionComesToTheSame() {
    assertThat(Shares.of(names("shard-", 8), List.of("ada", "bob", "eve")))
        .isEqualTo(
            Map.of(
                "shard-0", "eve", "shard-1", "ada", "shard-2", "eve", "shard-3", "bob", "shard-4",
                "bob", "shard-5", "eve", "shard-6", "bob", "shard-7", "ada"));
  }

  @Test
  void littleMoreMovesThanHasTo() {
    double had = 0;
    double moved = 0;
    for (int run = 0; run < 20; run++) {
      List<String> more = names("run-" + run + "-member-", 6);
      List<String> elements = names("shard-", 96);
      Map<String, String> five = Shares.of(elements, more.subList(0, 5));
      Map<String, String> six = Shares.of(elements, more);
      had += 2 * 96 / 6.0;
      moved += moved(five, six);
      moved += moved(six, Shares.of(elements, more.subList(1, 6)));
    }
    assertThat(moved / had).isBetween(1.0, 1.35);
  }

  @Test
  void whoComesBackUnderItsNameGetsWhatItHad() {
    List<String> elements = names("shard-", 50);
    Map<String, String> before = Shares.of(elements, names("m", 4));
    Shares.of(elements, names("m", 3));
    assertThat(Shares.of(elements, names("m", 4))).isEqualTo(before);
  }

  @Test
  void withoutMembersNothingIsOwned() {
    assertThat(Shares.of(names("shard-", 5), List.of())).isEmpty();
  }
}
