import { line } from './chart.js';
import { h } from './dom.js';
import { clock, count, now, number, since, span } from './format.js';

export const title = 'Overview';
export const needs = 'health';

const LONG_TRANSACTION_S = 300;
const LONG_WAIT_S = 60;

export function attention(seen) {
  return remarks(seen).length;
}

export function draw(seen) {
  const health = seen.health;
  const wrong = remarks(seen);
  const queues = seen.queues?.rows ?? [];
  const total = (column) => queues.reduce((all, queue) => all + Number(queue[column]), 0);
  return [
    wrong.length === 0
      ? h('p', { class: 'well', id: 'remarks' }, 'Nothing needs attention.')
      : h('ul', { class: 'remarks', id: 'remarks' }, wrong.map(([text, href]) => h('li', null, href ? h('a', { href }, text) : text))),
    h('div', { class: 'tiles' },
      tile('Sessions', '#/sessions', health.sessions, line(seen.samples, (s) => s.sessions, 'Sessions')),
      tile('Locks held', '#/locks', health.locks_held, line(seen.samples, (s) => s.held, 'Locks held')),
      tile('Waiting for a lock', '#/locks', health.lock_waiters, line(seen.samples, (s) => s.waiters, 'Waiting for a lock')),
      tile('Messages waiting', '#/queues', total('ready') + total('behind'), line(seen.samples, (s) => s.messages, 'Messages waiting')),
      tile('Messages done / s', '#/queues', total('acked'), line(seen.samples, (s) => s.acked, 'Messages done / s')),
      tile('Elections', '#/elections', health.elections, note(health.leaderless > 0 ? `${number(health.leaderless)} without a leader` : 'each has a leader', health.elections)),
      tile('Jobs', '#/jobs', health.jobs, note(`${count(health.runs_running, 'run')} under way`, health.jobs)),
      tile('Znodes', '#/tree', health.nodes < 0 ? null : health.nodes, note(health.nodes < 0 ? 'not counted yet' : 'about', true)),
    ),
    h('h2', null, 'Server'),
    h('dl', { class: 'facts' },
      fact('PostgreSQL', health.server_version),
      fact('Running for', since(health.server_started)),
      fact('Role', health.standby ? 'standby' : 'primary'),
      fact('Schema version', health.protocol),
      fact('Epoch', `from number ${health.epoch} on, timeline ${health.timeline}`),
      fact('Oldest transaction', [health.sees_all ? '' : 'of this role: ', health.transaction_since ? since(health.transaction_since) : 'none']),
      fact('Notification queue', `${number(health.notification_queue_usage * 100)} % full`),
      fact('Dead rows', `about ${number(health.dead_rows)}`),
      fact('History', health.history_oldest ? [`${count(health.history_rows, 'hold')}, from `, clock(health.history_oldest)] : 'nothing yet'),
    ),
  ];
}

/** What somebody should look at, most pressing first, with where. */
function remarks({ health, queues, jobs }) {
  const age = (moment) => (moment ? (now() - Date.parse(moment)) / 1000 : 0);
  const failed = (jobs?.rows ?? []).filter((job) => ['failed', 'abandoned'].includes(job.runs?.[0]?.state));
  const all = [
    [health.standby, 'This is a standby: nothing can be changed here.'],
    [health.leaderless > 0, `${count(health.leaderless, 'election')} without a leader.`, '#/elections'],
    [health.sessions_over > 0, `${count(health.sessions_over, 'session')} over, but not ended yet: if this stays, no client is left to do that.`, '#/sessions'],
    [health.sessions_suspected > 0, `${count(health.sessions_suspected, 'session')} without a connection.`, '#/sessions'],
    [age(health.waits_since) > LONG_WAIT_S, `Somebody has waited for a lock for ${span(age(health.waits_since))}.`, '#/locks'],
    [failed.length > 0, `${count(failed.length, 'job')} did not end well the last time.`, '#/jobs'],
    [(queues?.rows ?? []).some((queue) => queue.dead > 0), 'There are dead letters.', '#/queues'],
    [health.queues_paused > 0, `${count(health.queues_paused, 'queue')} paused.`, '#/queues'],
    [health.jobs_paused > 0, `${count(health.jobs_paused, 'job')} paused.`, '#/jobs'],
    [age(health.transaction_since) > LONG_TRANSACTION_S, `A transaction is open for ${span(age(health.transaction_since))}: vacuum waits for it.`],
    [health.notification_queue_usage > 0.5, 'PostgreSQL\u2019s notification queue is filling: some client listens and does not read.'],
  ];
  return all.filter(([wrong]) => wrong).map(([, text, href]) => [text, href]);
}

function tile(name, href, value, below) {
  return h('a', { class: 'tile', href, 'data-key': name }, h('span', { class: 'name' }, name), h('span', { class: 'value' }, number(value)), below);
}

function note(text, shown) {
  return h('span', { class: 'note' }, shown ? text : '\u00a0');
}

function fact(name, value) {
  return [h('dt', null, name), h('dd', null, value)];
}
