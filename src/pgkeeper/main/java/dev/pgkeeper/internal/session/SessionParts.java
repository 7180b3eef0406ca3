package dev.pgkeeper.internal.session;

import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.observe.Observation;
import java.util.concurrent.Executor;

/** What a session's heartbeat works with. */
record SessionParts(
    Database database,
    SessionCalls calls,
    KeeperOptions options,
    Observation observation,
    BeliefDeadline belief,
    Looks looks,
    Reaper reaper,
    Executor background) {}
