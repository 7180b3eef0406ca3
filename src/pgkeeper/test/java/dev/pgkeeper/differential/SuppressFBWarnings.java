package edu.umd.cs.findbugs.annotations;

/**
 * ZooKeeper's classes carry this annotation, but its jar is not to be had with them, and javac
 * warns of each use that it cannot resolve. Not needed where {@code -Xlint:-classfile} is given.
 */
public @interface SuppressFBWarnings {
  String[] value() default {};

  String justification() default "";
}
