package dev.pgkeeper.bench.tree;

import java.util.List;

/**
 * The nodes of one subject, with the operations that are measured. To add a peer, implement this
 * and name it in {@link Subjects}.
 */
interface Znodes extends AutoCloseable {
  byte[] get(String path) throws Exception;

  /** Creates a persistent node below one that exists. */
  void create(String path, byte[] data) throws Exception;

  void set(String path, byte[] data) throws Exception;

  void delete(String path) throws Exception;

  /** Creates many as fast as the subject can; never measured. */
  void createAll(List<String> paths, byte[] data) throws Exception;

  /** Deletes many as fast as the subject can; never measured. */
  void deleteAll(List<String> paths) throws Exception;
}
