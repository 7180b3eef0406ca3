package dev.pgkeeper.testing;

/** What the operations guide says to run after a dump was restored into the cluster it is from. */
public final class RestoredDump {
  /** As it stands in the guide, for a schema of the default name. */
  public static final String NEW_EPOCH =
      "UPDATE pgkeeper.epoch SET server_started = '-infinity', timeline = 0;";

  private RestoredDump() {}

  /** Begins a new epoch of this schema. */
  public static String newEpoch(String schema) {
    return NEW_EPOCH.replace("pgkeeper.", schema + ".");
  }
}
