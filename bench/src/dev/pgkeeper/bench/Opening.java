package dev.pgkeeper.bench;

/** How something that costs a server or a connection comes to be, once it is needed. */
@FunctionalInterface
public interface Opening<T> {
  /**
   * Opens it.
   *
   * @throws Unavailable if this machine lacks what it needs; it is named and skipped
   */
  T open() throws Exception;
}
