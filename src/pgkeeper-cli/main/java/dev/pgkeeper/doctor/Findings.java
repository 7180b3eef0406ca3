package dev.pgkeeper.doctor;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Collects what the checks find, under the name of the one that is just being made. */
final class Findings {
  private final List<Finding> all = new ArrayList<>();
  private String name = "";

  void begin(String check) {
    name = check;
  }

  void error(String found, String advice) {
    all.add(new Finding(Severity.ERROR, name, found, advice));
  }

  void warning(String found, String advice) {
    all.add(new Finding(Severity.WARNING, name, found, advice));
  }

  void unknown(String found, String advice) {
    all.add(new Finding(Severity.UNKNOWN, name, found, advice));
  }

  List<Finding> worstFirst() {
    return all.stream().sorted(Comparator.comparing(Finding::severity)).toList();
  }
}
