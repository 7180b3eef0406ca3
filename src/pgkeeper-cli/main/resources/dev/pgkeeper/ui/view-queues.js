import { button } from './change.js';
import { line } from './chart.js';
import { h } from './dom.js';
import { number, since } from './format.js';
import { depth } from './live.js';
import { cut, empty, matching, pill } from './view-parts.js';

export const title = 'Queues';
export const needs = 'queues';
export const filtered = true;

export function draw({ queues, samples }, filter) {
  const rows = matching(queues.rows ?? [], filter);
  return queues.total === 0
    ? empty('There are no queues.')
    : [h('div', { class: 'cards' }, rows.map((queue) => card(queue, samples))), cut(queues, filter, rows.length)];
}

function card(q, samples) {
  return h('article', { class: 'card queue', 'data-key': q.queue },
    h('h2', null, q.queue),
    h('p', { class: 'sub' }, q.paused ? pill('paused', 'warn') : '', q.paused ? [' for ', since(q.paused), ' · '] : '',
      q.topic ? `topic ${q.topic} · ` : '', q.keyed ? 'in order within keys · ' : '',
      q.waiting_since ? ['oldest waits ', since(q.waiting_since)] : 'nothing waits'),
    h('div', { class: 'depth' }, h('span', { class: 'value' }, number(depth(q))), h('span', { class: 'note' }, 'waiting'),
      line(samples, (sample) => sample.queues.get(q.queue), `${q.queue}, messages waiting`)),
    h('dl', { class: 'numbers' },
      figure('taken', q.claimed), figure('delayed', q.delayed), figure('retrying', q.retrying),
      figure('dead', q.dead, q.dead > 0 ? 'bad' : ''), figure('asleep', q.sleeping),
      figure('in / s', q.enqueued), figure('done / s', q.acked)),
    h('p', { class: 'acts' },
      q.paused ? button('resume_queue', { queue: q.queue }) : button('pause_queue', { queue: q.queue }),
      q.dead > 0 && button('redrive_queue', { queue: q.queue })));
}

function figure(name, value, kind = '') {
  return h('div', { class: kind }, h('dt', null, name), h('dd', null, number(value)));
}
