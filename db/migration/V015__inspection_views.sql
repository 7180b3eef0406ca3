-- What else everybody may look at: who is registered where, settings, and how it all is, in one row.
--
-- Nobody notes what a node is for: its shape tells. A registration is an ephemeral node that stands in no line and comes to no meeting, whoever made it: an
-- instance of a service, a member of a group. A setting is a node place/values/key that has a node
-- place/history/key, below which is who changed it and when.

SET LOCAL search_path = pg_catalog, pg_temp;

-- Lines are few among the nodes that have children: views of all of them read this index, and it is written once for each line.
CREATE INDEX parent_line ON ${schema}.parent (path) WHERE recipe IS NOT NULL;

CREATE VIEW ${schema}.registrations AS
  SELECT n.path, n.parent AS place, n.name, n.version, length(n.data) AS data_length, n.ctime AS registered, n.mtime AS updated, s.session,
    s.client, s.host, s.pid, s.alive
  FROM ${schema}.node n CROSS JOIN LATERAL (SELECT * FROM ${schema}.sessions a WHERE a.session = n.owner OFFSET 0) s
  WHERE n.owner IS NOT NULL AND n.kind = 'ephemeral' AND n.state IS NULL
    AND NOT EXISTS (SELECT FROM ${schema}.parent p WHERE p.path = n.parent AND p.recipe IS NOT NULL);
COMMENT ON VIEW ${schema}.registrations IS
  'Who is registered where: instances of services, members of groups, and whatever else goes with its session.';
COMMENT ON COLUMN ${schema}.registrations.path IS 'Where its node is.';
COMMENT ON COLUMN ${schema}.registrations.place IS 'The node above: the service, or the group.';
COMMENT ON COLUMN ${schema}.registrations.name IS 'What it is called there: the id of the instance, or of the member.';
COMMENT ON COLUMN ${schema}.registrations.version IS 'How often its data was set since.';
COMMENT ON COLUMN ${schema}.registrations.data_length IS 'The length of its data in bytes.';
COMMENT ON COLUMN ${schema}.registrations.registered IS 'When it was registered.';
COMMENT ON COLUMN ${schema}.registrations.updated IS 'When its data was last set.';
COMMENT ON COLUMN ${schema}.registrations.session IS 'The session it goes with.';
COMMENT ON COLUMN ${schema}.registrations.client IS 'The name the client gave itself.';
COMMENT ON COLUMN ${schema}.registrations.host IS 'The client''s machine.';
COMMENT ON COLUMN ${schema}.registrations.pid IS 'The client''s process.';
COMMENT ON COLUMN ${schema}.registrations.alive IS 'False if the session is over and about to be ended.';

CREATE VIEW ${schema}.settings AS
  SELECT v.path, left(p.path, -7) AS place, v.name AS key, v.version, length(v.data) AS data_length, h.version + 1 AS changes,
    v.mtime AS changed, c.changed_by
  FROM ${schema}.parent p JOIN ${schema}.node v ON v.parent = p.path
    JOIN ${schema}.node h ON h.path = left(p.path, -7) || '/history/' || v.name
    LEFT JOIN LATERAL (SELECT ${schema}.text_of(substring(e.data FROM 4 FOR position('\x0a'::bytea IN e.data) - 4)) AS changed_by
      FROM ${schema}.node e WHERE e.parent = h.path AND substring(e.data FOR 3) = 'by=' AND position('\x0a'::bytea IN e.data) > 4 ORDER BY e.name DESC LIMIT 1) c ON true
  WHERE p.path LIKE '%/values';
COMMENT ON VIEW ${schema}.settings IS
  'Settings, without their values. Look for some by path: WHERE path LIKE ''/config/values/%''.';
COMMENT ON COLUMN ${schema}.settings.path IS 'Where the value is.';
COMMENT ON COLUMN ${schema}.settings.place IS 'The path of the settings that it belongs to.';
COMMENT ON COLUMN ${schema}.settings.key IS 'The name of the setting.';
COMMENT ON COLUMN ${schema}.settings.version IS 'How often it was changed since it was last created.';
COMMENT ON COLUMN ${schema}.settings.data_length IS 'The length of the value in bytes.';
COMMENT ON COLUMN ${schema}.settings.changes IS 'How often it was ever changed.';
COMMENT ON COLUMN ${schema}.settings.changed IS 'When it was last changed.';
COMMENT ON COLUMN ${schema}.settings.changed_by IS 'Who did that.';

CREATE VIEW ${schema}.health AS
  SELECT current_setting('server_version') AS server_version, pg_postmaster_start_time() AS server_started, pg_is_in_recovery() AS standby,
    (SELECT version FROM ${schema}.protocol()) AS protocol, e.first AS epoch, e.timeline,
    s.sessions, s.sessions_suspected, s.sessions_over,
    (SELECT CASE WHEN c.reltuples < 0 THEN pg_stat_get_live_tuples(c.oid) ELSE c.reltuples::bigint END FROM pg_class c
      WHERE c.oid = '${schema}.node'::regclass) AS nodes,
    l.locks_held, l.lock_waiters, l.longest_wait, l.elections, l.leaderless,
    q.queues, q.queues_paused, pg_stat_get_live_tuples('${schema}.message'::regclass) AS messages, q.oldest_message,
    (SELECT coalesce(sum(cardinality(c.ids)), 0) FROM ${schema}.claim c) AS messages_claimed,
    pg_stat_get_live_tuples('${schema}.dead_letter'::regclass) AS dead_letters,
    j.jobs, j.jobs_paused, (SELECT count(*) FROM ${schema}.job_run r WHERE r.state = 'running') AS runs_running,
    h.rows AS history_rows, h.oldest AS history_oldest,
    (SELECT clock_timestamp() - min(a.xact_start) FROM pg_stat_activity a
      WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()) AS longest_transaction,
    pg_notification_queue_usage() AS notification_queue_usage,
    (SELECT sum(pg_stat_get_dead_tuples(c.oid))::bigint FROM pg_class c
      WHERE c.relnamespace = '${schema}'::regnamespace AND c.relkind = 'r') AS dead_rows
  FROM ${schema}.epochs e,
    (SELECT count(*) AS sessions, count(*) FILTER (WHERE NOT a.connected) AS sessions_suspected,
      count(*) FILTER (WHERE NOT a.alive) AS sessions_over FROM ${schema}.sessions a) s,
    (SELECT count(*) FILTER (WHERE o.recipe <> 'election' AND o.held) AS locks_held,
        coalesce(sum(o.waiting) FILTER (WHERE o.recipe <> 'election'), 0)::bigint AS lock_waiters,
        clock_timestamp() - min(o.waiting_since) FILTER (WHERE o.recipe <> 'election') AS longest_wait,
        count(*) FILTER (WHERE o.recipe = 'election') AS elections,
        count(*) FILTER (WHERE o.recipe = 'election' AND o.waiting > 0 AND NOT o.held) AS leaderless
      FROM (
        SELECT p.recipe, n.held OR EXISTS (SELECT FROM ${schema}.session a WHERE a.id = p.holder) AS held,
            n.waiting + coalesce(array_length(p.waiting, 1), 0) AS waiting,
            least(n.since, to_timestamp(p.waiting[1][4] / 1e6)) AS waiting_since
          FROM ${schema}.parent p CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE c.state <> 'w') > 0 AS held, count(*) FILTER (WHERE c.state = 'w') AS waiting,
                min(c.ctime) FILTER (WHERE c.state = 'w') AS since
              FROM ${schema}.node c WHERE c.parent = p.path AND c.state IS NOT NULL) n
          WHERE p.recipe IS NOT NULL) o) l,
    (SELECT count(*) AS queues, count(u.paused) AS queues_paused, min(f.enqueued) AS oldest_message
      FROM ${schema}.queue u LEFT JOIN LATERAL (
        SELECT min(m.enqueued) AS enqueued FROM ${schema}.lane d CROSS JOIN LATERAL (SELECT w.enqueued FROM ${schema}.message w
          WHERE w.queue = d.queue AND w.lane = d.lane AND w.id >= d.low ORDER BY w.id LIMIT 1) m WHERE d.queue = u.id) f ON true) q,
    (SELECT count(*) AS jobs, count(b.paused) AS jobs_paused FROM ${schema}.job b) j,
    ${schema}.history_settings h;
COMMENT ON VIEW ${schema}.health IS 'How it all is, in one row. What says about is what PostgreSQL estimates.';
COMMENT ON COLUMN ${schema}.health.server_version IS 'The version of PostgreSQL.';
COMMENT ON COLUMN ${schema}.health.server_started IS 'When this run of the server began.';
COMMENT ON COLUMN ${schema}.health.standby IS 'Whether this is a standby, where nothing can be changed.';
COMMENT ON COLUMN ${schema}.health.protocol IS 'The version of the schema.';
COMMENT ON COLUMN ${schema}.health.epoch IS 'The number that it began with: see epochs.';
COMMENT ON COLUMN ${schema}.health.timeline IS 'PostgreSQL''s timeline.';
COMMENT ON COLUMN ${schema}.health.sessions IS 'How many sessions there are.';
COMMENT ON COLUMN ${schema}.health.sessions_suspected IS 'Those whose connection broke and has not come back yet.';
COMMENT ON COLUMN ${schema}.health.sessions_over IS 'Those whose time is over: if this stays above 0, no client is left to end them.';
COMMENT ON COLUMN ${schema}.health.nodes IS 'About how many znodes there are; -1: nobody has counted yet.';
COMMENT ON COLUMN ${schema}.health.locks_held IS 'How many locks and semaphores somebody holds.';
COMMENT ON COLUMN ${schema}.health.lock_waiters IS 'How many wait for one.';
COMMENT ON COLUMN ${schema}.health.longest_wait IS 'How long the one has waited that has waited longest.';
COMMENT ON COLUMN ${schema}.health.elections IS 'How many elections there are.';
COMMENT ON COLUMN ${schema}.health.leaderless IS 'Elections in which somebody stands and nobody leads.';
COMMENT ON COLUMN ${schema}.health.queues IS 'How many queues there are.';
COMMENT ON COLUMN ${schema}.health.queues_paused IS 'How many of them are paused.';
COMMENT ON COLUMN ${schema}.health.messages IS 'About how many messages wait, in all queues.';
COMMENT ON COLUMN ${schema}.health.oldest_message IS 'When the oldest of those was enqueued whose turn it is next.';
COMMENT ON COLUMN ${schema}.health.messages_claimed IS 'How many somebody works on.';
COMMENT ON COLUMN ${schema}.health.dead_letters IS 'About how many dead letters there are.';
COMMENT ON COLUMN ${schema}.health.jobs IS 'How many guarded jobs are known.';
COMMENT ON COLUMN ${schema}.health.jobs_paused IS 'How many of them are paused.';
COMMENT ON COLUMN ${schema}.health.runs_running IS 'How many runs are under way, or were left by their owners.';
COMMENT ON COLUMN ${schema}.health.history_rows IS 'How many holds are remembered at most: see history_settings.';
COMMENT ON COLUMN ${schema}.health.history_oldest IS 'The end of the oldest of them.';
COMMENT ON COLUMN ${schema}.health.longest_transaction IS
  'How long the oldest transaction of this database is open: vacuum cleans up nothing that came after. Of other roles'' transactions it knows only with pg_read_all_stats.';
COMMENT ON COLUMN ${schema}.health.notification_queue_usage IS 'How full PostgreSQL''s queue of notifications is, 0 to 1.';
COMMENT ON COLUMN ${schema}.health.dead_rows IS 'About how many rows of this schema wait to be vacuumed.';

-- Tells who has an advisory lock of ours and may not write: see "Strangers" in V002. The locks of sessions and queues can be worked out
-- from the tables. Any other lock is found once somebody who may write waits for it.
CREATE FUNCTION ${schema}.strangers_locks() RETURNS TABLE (role name, pid integer, what text)
LANGUAGE sql STABLE
BEGIN ATOMIC
  WITH ours AS (
    SELECT s.live AS key, 'the connection of session ' || s.id AS what FROM ${schema}.session s WHERE s.direct
    UNION ALL SELECT ${schema}.lock_key(k, 'owner.' || s.id), 'session ' || s.id FROM ${schema}.secret k, ${schema}.session s
    UNION ALL SELECT ${schema}.idle_key(k, q.name), 'queue ' || q.name FROM ${schema}.secret k, ${schema}.queue q
    UNION ALL SELECT ${schema}.lane_key(k, l.queue, l.lane), 'queue ' || q.name
      FROM ${schema}.secret k, ${schema}.lane l JOIN ${schema}.queue q ON q.id = l.queue
  ), held AS (
    SELECT l.key, l.pid, l.role FROM ${schema}.advisory_locks() l WHERE NOT ${schema}.is_writer(l.role)
  )
  SELECT pg_get_userbyid(h.role), h.pid, o.what FROM held h JOIN ours o ON o.key = h.key
  UNION ALL
  SELECT pg_get_userbyid(h.role), h.pid, 'backend ' || a.pid || ', which waits for it'
    FROM held h JOIN pg_locks w ON w.locktype = 'advisory' AND w.objsubid = 1 AND NOT w.granted
        AND (w.classid::bigint << 32) | w.objid::bigint = h.key
        AND w.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
      JOIN pg_stat_activity a ON a.pid = w.pid
    WHERE ${schema}.is_writer(a.usesysid) AND h.key NOT IN (SELECT o.key FROM ours o WHERE o.key IS NOT NULL);
END;

CREATE OR REPLACE FUNCTION ${schema}.protocol() RETURNS TABLE (version integer, oldest_client integer)
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
  SELECT 15, 6;
END;

SELECT ${schema}.pin_all();
SELECT ${schema}.grant_all();
