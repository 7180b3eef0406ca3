package dev.pgkeeper.discovery;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Who is to own what: the same answer in every process that knows the same elements and members,
 * without a memory or an arbiter. Shares differ by one at most.
 *
 * <p>Each element is for the member that is closest to it (rendezvous hashing), so that only what a
 * member gets or had would move when it comes or goes; but that gives some members half as much
 * again as others. So whoever has more than its share gives up the elements that are least close to
 * it, to those members with less than theirs that are closest to them. With ten elements or more
 * for each member, this moves 1.1 to 1.3 times as many as have to move; without it, hot members
 * would stay hot.
 */
final class Shares {
  private record Offer(String element, Share to, long closeness) {}

  private static final class Share {
    final String member;
    final long hash;
    final List<Offer> offers = new ArrayList<>();
    int size;

    Share(String member) {
      this.member = member;
      this.hash = Rendezvous.hash(member);
    }

    boolean hasRoom() {
      return offers.size() < size;
    }

    Offer offer(String element) {
      return new Offer(element, this, Rendezvous.closeness(Rendezvous.hash(element), hash));
    }
  }

  /** The closest first; among equals, which hardly happens, by their names. */
  private static final Comparator<Offer> CLOSEST_FIRST =
      Comparator.comparingLong(Offer::closeness)
          .reversed()
          .thenComparing(Offer::element)
          .thenComparing(offer -> offer.to().member);

  private Shares() {}

  /** The member for each element; nothing if there are no members. */
  static Map<String, String> of(Collection<String> elements, Collection<String> members) {
    List<Share> shares = members.stream().distinct().sorted().map(Share::new).toList();
    if (shares.isEmpty()) {
      return Map.of();
    }
    for (String element : elements) {
      Offer closest =
          shares.stream().map(share -> share.offer(element)).min(CLOSEST_FIRST).orElseThrow();
      closest.to().offers.add(closest);
    }
    size(shares, elements.size());
    List<Offer> again = new ArrayList<>();
    for (String element : surplus(shares)) {
      shares.stream().filter(Share::hasRoom).map(share -> share.offer(element)).forEach(again::add);
    }
    Map<String, String> owners = new TreeMap<>();
    shares.forEach(share -> share.offers.forEach(o -> owners.put(o.element(), share.member)));
    Map<Share, Integer> taken = new HashMap<>();
    again.sort(CLOSEST_FIRST);
    for (Offer offer : again) {
      Share to = offer.to();
      if (to.offers.size() + taken.getOrDefault(to, 0) < to.size
          && owners.putIfAbsent(offer.element(), to.member) == null) {
        taken.merge(to, 1, Integer::sum);
      }
    }
    return owners;
  }

  /** Those who have most get the one more that some have to have. */
  private static void size(List<Share> shares, int elements) {
    List<Share> largestFirst = new ArrayList<>(shares);
    largestFirst.sort(
        Comparator.comparingInt((Share share) -> share.offers.size())
            .reversed()
            .thenComparing(share -> share.member));
    for (int i = 0; i < largestFirst.size(); i++) {
      largestFirst.get(i).size = elements / shares.size() + (i < elements % shares.size() ? 1 : 0);
    }
  }

  /** Takes from each what it has too much of. */
  private static List<String> surplus(List<Share> shares) {
    List<String> surplus = new ArrayList<>();
    for (Share share : shares) {
      share.offers.sort(CLOSEST_FIRST);
      while (share.offers.size() > share.size) {
        surplus.add(share.offers.remove(share.offers.size() - 1).element());
      }
    }
    return surplus;
  }
}
