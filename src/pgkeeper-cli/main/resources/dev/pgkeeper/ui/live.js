// What the server tells, and what of it the charts remember.

import { setClock, now } from './format.js';

const PARTS = ['health', 'sessions', 'locks', 'elections', 'queues', 'jobs', 'operations'];

/** The charts show this much. */
export const WINDOW_MS = 10 * 60 * 1000;

/** After that much more silence than was announced, nothing is heard any more. */
const PATIENCE_MS = 15_000;

export const live = new EventTarget();

/** The newest of each part; samples of what changes; when that was; and what is wrong, if anything is. */
export const seen = { samples: [], at: null, trouble: null, linked: false };

let events = null;
let again = 0;
let deadline = Infinity;

export function start() {
  document.addEventListener('visibilitychange', () => (document.hidden ? stop() : open()));
  setInterval(watchSilence, 2000);
  if (!document.hidden) {
    open();
  }
}

/** A page that nobody sees costs the database nothing. */
function stop() {
  clearTimeout(again);
  deadline = Infinity;
  events?.close();
  events = null;
}

function open() {
  stop();
  deadline = Date.now() + PATIENCE_MS;
  events = new EventSource('live');
  for (const part of PARTS) {
    events.addEventListener(part, (event) => {
      seen[part] = JSON.parse(event.data);
    });
  }
  events.addEventListener('looked', (event) => looked(JSON.parse(event.data)));
  events.addEventListener('lost', (event) => {
    deadline = Infinity;
    tell({ trouble: `The database cannot be asked: ${JSON.parse(event.data).why}.`, linked: true });
  });
  events.addEventListener('error', () => {
    stop();
    again = setTimeout(open, 2000);
    tell({ trouble: 'The page\u2019s own server is not reached: is pgkeeper ui still running?', linked: false });
  });
}

function looked({ at, next }) {
  setClock(at);
  deadline = Date.now() + next + PATIENCE_MS;
  sample();
  tell({ at, trouble: null, linked: true });
}

function watchSilence() {
  if (Date.now() > deadline) {
    open();
    tell({ trouble: 'Nothing is heard of the database.', linked: false });
  }
}

function tell(state) {
  Object.assign(seen, state);
  live.dispatchEvent(new Event('change'));
}

function sample() {
  const queues = seen.queues?.rows ?? [];
  const total = (column) => queues.reduce((all, queue) => all + Number(queue[column]), 0);
  seen.samples.push({
    t: now(),
    sessions: seen.health.sessions,
    held: seen.health.locks_held,
    waiters: seen.health.lock_waiters,
    messages: queues.reduce((all, queue) => all + depth(queue), 0),
    acked: total('acked'),
    queues: new Map(queues.map((queue) => [queue.queue, depth(queue)])),
  });
  while (seen.samples[0].t < now() - WINDOW_MS) {
    seen.samples.shift();
  }
}

/** How many messages of a queue wait to be taken now. */
export function depth(queue) {
  return Number(queue.ready) + Number(queue.behind);
}

/** An answer to a question of this page's own. */
export async function ask(question, parameters) {
  const reply = await fetch(`ask/${question}?${new URLSearchParams(parameters)}`);
  if (!reply.ok) {
    throw new Error((await reply.text()).trim());
  }
  return reply.json();
}
