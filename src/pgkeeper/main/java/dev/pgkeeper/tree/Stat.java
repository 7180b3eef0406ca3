package dev.pgkeeper.tree;

import java.time.Instant;

/**
 * What is known of a znode besides its data.
 *
 * @param czxid the change that created it; a fencing token, since a path never gets a smaller one
 * @param mzxid the change that last set its data
 * @param ctime when it was created, by the database's clock
 * @param mtime when its data was last set, by the database's clock
 * @param version how often its data was set
 * @param cversion how many children were created and deleted so far, together
 * @param ephemeralOwner the session it goes with; 0 if it is not ephemeral
 * @param dataLength the length of its data in bytes
 * @param numChildren how many children it has
 * @param pzxid the change that last created or deleted a child
 */
public record Stat(
    long czxid,
    long mzxid,
    Instant ctime,
    Instant mtime,
    int version,
    int cversion,
    long ephemeralOwner,
    int dataLength,
    int numChildren,
    long pzxid) {}
