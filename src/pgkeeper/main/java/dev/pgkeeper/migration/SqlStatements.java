package dev.pgkeeper.migration;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * The statements of a script, one by one: the driver cannot tell where a body ends that is written
 * without quotes ({@code BEGIN ATOMIC … END}). What is in quotes, in dollar quotes, in a comment or
 * in such a body ends no statement.
 */
final class SqlStatements {
  private final String sql;
  private final List<String> found = new ArrayList<>();
  private int at;
  private int begin;

  /** How many END are to come in the body without quotes; 0 outside of one. */
  private int openBlocks;

  private SqlStatements(String sql) {
    this.sql = sql;
  }

  static List<String> of(String sql) {
    return new SqlStatements(sql).split();
  }

  private List<String> split() {
    String before = "";
    while (at < sql.length()) {
      char c = sql.charAt(at);
      if (sql.startsWith("--", at)) {
        skipTo("\n");
      } else if (sql.startsWith("/*", at)) {
        skipTo("*/");
      } else if (c == '\'' || c == '"') {
        at++;
        skipTo(String.valueOf(c));
      } else if (c == '$') {
        skipDollarQuoted();
      } else if (Character.isLetter(c)) {
        String word = word();
        count(before, word);
        before = word;
      } else if (c == ';' && openBlocks == 0) {
        add(at);
        begin = ++at;
      } else {
        at++;
      }
    }
    add(sql.length());
    return found;
  }

  private void count(String before, String word) {
    if (openBlocks == 0) {
      openBlocks = before.equals("BEGIN") && word.equals("ATOMIC") ? 1 : 0;
    } else if (word.equals("CASE")) {
      openBlocks++;
    } else if (word.equals("END")) {
      openBlocks--;
    }
  }

  private String word() {
    int from = at;
    while (at < sql.length()
        && (Character.isLetterOrDigit(sql.charAt(at)) || "_$".indexOf(sql.charAt(at)) >= 0)) {
      at++;
    }
    return sql.substring(from, at).toUpperCase(Locale.ROOT);
  }

  /** From {@code $tag$} to the next one; a dollar alone is nothing. */
  private void skipDollarQuoted() {
    int end = at + 1;
    while (end < sql.length() && (Character.isLetter(sql.charAt(end)) || sql.charAt(end) == '_')) {
      end++;
    }
    if (end == sql.length() || sql.charAt(end) != '$') {
      at++;
      return;
    }
    String tag = sql.substring(at, end + 1);
    at = end + 1;
    skipTo(tag);
  }

  private void skipTo(String end) {
    int found = sql.indexOf(end, at);
    at = found < 0 ? sql.length() : found + end.length();
  }

  private void add(int end) {
    String statement = sql.substring(begin, end).strip();
    if (statement.lines().anyMatch(line -> !line.isBlank() && !line.strip().startsWith("--"))) {
      found.add(statement);
    }
  }
}
