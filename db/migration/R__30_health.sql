-- How it all is, in one row.

SET LOCAL search_path = pg_catalog, pg_temp;

CREATE OR REPLACE VIEW ${schema}.health AS
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
          FROM ${schema}.gathering p CROSS JOIN LATERAL (
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

SELECT ${schema}._pin_and_grant();
