package dev.pgkeeper.ui;

import java.util.List;
import java.util.stream.Collectors;

/**
 * A part of what the page shows: one JSON value that the database makes of its views. Moments are
 * told instead of spans, so that what does not change reads the same at the next look; numbers that
 * may be too large for a browser's are told as text.
 *
 * @param name what the page knows it as
 * @param query gives the value
 */
record Section(String name, String query) {
  /** All of them. */
  static final List<Section> ALL =
      List.of(
          new Section(
              "health",
              """
              SELECT row_to_json(h) FROM (
                SELECT server_version, server_started, standby, protocol, epoch, timeline, sessions, sessions_suspected, sessions_over,
                  nodes, locks_held, lock_waiters, date_trunc('second', clock_timestamp() - longest_wait) AS waits_since, elections, leaderless,
                  queues, queues_paused, messages, oldest_message, messages_claimed, dead_letters, jobs, jobs_paused, runs_running,
                  history_rows, history_oldest, date_trunc('second', clock_timestamp() - longest_transaction) AS transaction_since,
                  round(notification_queue_usage::numeric, 3) AS notification_queue_usage, dead_rows,
                  pg_has_role('pg_read_all_stats', 'USAGE') AS sees_all
                FROM ${schema}.health) h
              """),
          new Section(
              "sessions",
              """
              SELECT json_build_object('total', (SELECT count(*) FROM ${schema}.sessions), 'rows', (SELECT json_agg(s) FROM (
                SELECT session::text, client, host, pid, opened, renewed, ends, alive, connected,
                  extract(epoch FROM timeout) AS timeout, extract(epoch FROM grace) AS grace, reconnects
                FROM ${schema}.sessions ORDER BY alive, connected NULLS LAST, opened DESC, sessions.session LIMIT 200) s))
              """),
          new Section(
              "locks",
              """
              WITH held AS MATERIALIZED (SELECT *, row_number() OVER (PARTITION BY path ORDER BY since, token) AS nth FROM ${schema}.locks),
                waiting AS MATERIALIZED (SELECT * FROM ${schema}.lock_waiters),
                shown AS MATERIALIZED (
                  SELECT path, min(recipe) AS recipe, max(permits) AS permits, count(*) FILTER (WHERE holds) AS holders,
                    count(*) FILTER (WHERE NOT holds) AS waiters, min(since) AS since
                  FROM (SELECT path, recipe, permits, since, true AS holds FROM held
                    UNION ALL SELECT path, recipe, NULL, since, false FROM waiting) a
                  GROUP BY path ORDER BY waiters DESC, since, path LIMIT 100),
                holders AS (SELECT path, json_agg(json_build_object('what', what, 'token', h.token::text, 'since', h.since, 'revoked', revoked,
                    'ends', ends, 'session', session::text, 'client', client, 'host', host, 'pid', pid, 'alive', alive) ORDER BY nth) AS held
                  FROM held h JOIN shown USING (path) WHERE nth <= 10 GROUP BY path),
                line AS (SELECT path, json_agg(json_build_object('place', place, 'what', what, 'since', w.since, 'session', session::text,
                    'client', client, 'host', host, 'pid', pid, 'alive', alive) ORDER BY place) AS waits
                  FROM waiting w JOIN shown USING (path) WHERE place <= 10 GROUP BY path)
              SELECT json_build_object('total', (SELECT count(DISTINCT path) FROM (SELECT path FROM held UNION ALL SELECT path FROM waiting) a),
                'rows', (SELECT json_agg(json_build_object('path', path, 'recipe', recipe, 'permits', permits, 'holders', holders,
                    'waiters', waiters, 'held', held, 'waits', waits) ORDER BY waiters DESC, since, path)
                  FROM shown LEFT JOIN holders USING (path) LEFT JOIN line USING (path)))
              """),
          new Section(
              "elections",
              """
              WITH standing AS MATERIALIZED (SELECT * FROM ${schema}.candidates),
                shown AS MATERIALIZED (SELECT path, count(*) AS candidates, bool_or(leads) AS led FROM standing
                  GROUP BY path ORDER BY led, path LIMIT 100)
              SELECT json_build_object('total', (SELECT count(DISTINCT path) FROM standing), 'rows', (SELECT json_agg(e) FROM (
                SELECT e.path, e.candidates, e.led, (SELECT min(l.since) FROM ${schema}.leaders l WHERE l.path = e.path) AS since,
                  json_agg(json_build_object('place', c.place, 'identity', c.identity, 'leads', c.leads, 'joined', c.joined,
                    'token', c.token::text, 'session', c.session::text, 'client', c.client, 'host', c.host, 'pid', c.pid, 'alive', c.alive)
                    ORDER BY c.place) AS stand
                FROM shown e JOIN standing c ON c.path = e.path AND c.place <= 20 GROUP BY e.path, e.candidates, e.led
                ORDER BY e.led, e.path) e))
              """),
          new Section(
              "queues",
              """
              WITH counted AS MATERIALIZED (SELECT * FROM ${schema}.queues)
              SELECT json_build_object('total', (SELECT count(*) FROM counted), 'rows', (SELECT json_agg(q) FROM (
                SELECT q.queue, ready, behind, delayed, retrying, claimed, dead, waiting_since, sleeping, paused, keyed, topic, most_tries,
                  coalesce(r.enqueued, 0) AS enqueued, coalesce(r.taken, 0) AS taken, coalesce(r.acked, 0) AS acked,
                  coalesce(r.returned, 0) AS returned, coalesce(r.died, 0) AS died
                FROM counted q LEFT JOIN ${schema}.queue_rates r ON r.queue = q.queue
                ORDER BY ready + behind + retrying + claimed DESC, q.queue LIMIT 100) q))
              """),
          new Section(
              "jobs",
              """
              SELECT json_build_object('total', (SELECT count(*) FROM ${schema}.jobs), 'rows', (SELECT json_agg(j ORDER BY j.job) FROM (
                SELECT j.job, j.schedule, j.paused, j.running, j.free_from, j.last_done, j.last_started, (
                  SELECT json_agg(r) FROM (
                    SELECT tick, state, attempt, started, ended, CASE WHEN state <> 'running' THEN extract(epoch FROM duration) END AS duration,
                      ends, session::text, client, host, pid, error
                    FROM ${schema}.job_runs r WHERE r.job = j.job ORDER BY r.token DESC LIMIT 10) r) AS runs
                FROM ${schema}.jobs j ORDER BY j.running DESC, j.last_started DESC NULLS LAST, j.job LIMIT 100) j))
              """),
          new Section(
              "operations",
              """
              SELECT json_build_object('rows', (SELECT json_agg(o) FROM (
                SELECT number, at, who, what, target, why, result FROM ${schema}.operations ORDER BY number DESC LIMIT 30) o))
              """));

  /** One statement for all: what it shows is of one moment. */
  static String queryOfAll(String schema) {
    return ALL.stream()
        .map(section -> "(" + section.query().strip() + ")::text AS " + section.name())
        .collect(Collectors.joining(",\n", "SELECT to_json(clock_timestamp())::text AS at,\n", ""))
        .replace("${schema}", schema);
  }
}
