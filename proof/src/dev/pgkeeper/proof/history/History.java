package dev.pgkeeper.proof.history;

import dev.pgkeeper.proof.history.Operation.Outcome;
import dev.pgkeeper.scenario.MutexHistory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What all processes of a run wrote down: a file each, a line for each question before it is asked
 * and one for its answer. The last line of a process that was killed may be torn; it has no dot at
 * its end.
 */
public final class History {
  /** What one process said besides its operations. */
  public record Account(String process, List<String> lines) {}

  private final List<Account> accounts;
  private final List<Operation> operations = new ArrayList<>();

  private History(List<Account> all) {
    all.forEach(this::readOperations);
    // The longest part of it is known by now.
    accounts = all.stream().map(History::withoutOperations).toList();
    operations.sort(Comparator.comparingLong(Operation::invoked));
  }

  /** Reads all files of this directory. */
  public static History in(Path directory) throws IOException {
    List<Account> accounts = new ArrayList<>();
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.sorted().toList()) {
        accounts.add(new Account(file.getFileName().toString(), wholeLines(file)));
      }
    }
    return new History(accounts);
  }

  /** One of accounts that are there already. */
  public static History of(List<Account> accounts) {
    return new History(accounts);
  }

  private static List<String> wholeLines(Path file) throws IOException {
    return Files.readAllLines(file).stream()
        .filter(line -> line.endsWith(" ."))
        .map(line -> line.substring(0, line.length() - 2))
        .toList();
  }

  private void readOperations(Account account) {
    Map<String, String[]> asked = new HashMap<>();
    for (String line : account.lines()) {
      String[] said = line.split(" ", -1);
      if (said[0].equals("call")) {
        asked.put(said[1], said);
      } else if (said[0].equals("answer")) {
        String[] call = asked.remove(said[1]);
        Outcome outcome = Outcome.valueOf(said[2].toUpperCase(Locale.ROOT));
        long completed = outcome == Outcome.UNKNOWN ? Long.MAX_VALUE : Long.parseLong(said[4]);
        operations.add(operation(account.process(), call, completed, outcome, said[3]));
      }
    }
    // Whoever was killed did not hear what became of these.
    for (String[] call : asked.values()) {
      operations.add(operation(account.process(), call, Long.MAX_VALUE, Outcome.UNKNOWN, ""));
    }
  }

  private static Account withoutOperations(Account account) {
    return new Account(
        account.process(),
        account.lines().stream()
            .filter(line -> !line.startsWith("call ") && !line.startsWith("answer "))
            .toList());
  }

  private static Operation operation(
      String process, String[] call, long completed, Outcome outcome, String result) {
    return new Operation(
        process, call[2], call[3], call[4], Long.parseLong(call[5]), completed, outcome, result);
  }

  /** All operations, in the order in which they were asked. */
  public List<Operation> operations() {
    return operations;
  }

  /** Those of these names. */
  public List<Operation> operations(String... names) {
    List<String> wanted = List.of(names);
    return operations.stream().filter(operation -> wanted.contains(operation.name())).toList();
  }

  public List<Account> accounts() {
    return accounts;
  }

  /** What follows this word, in all lines that begin with it. */
  public List<String> said(String word) {
    String prefix = word + " ";
    return accounts.stream()
        .flatMap(account -> account.lines().stream())
        .filter(line -> line.startsWith(prefix))
        .map(line -> line.substring(prefix.length()))
        .toList();
  }

  /** Who held which lock, as the holders were told. */
  public MutexHistory locks() {
    return MutexHistory.of(accounts.stream().flatMap(account -> account.lines().stream()).toList());
  }
}
