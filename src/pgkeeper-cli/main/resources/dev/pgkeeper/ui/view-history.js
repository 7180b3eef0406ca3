// Who held what before, and what operators did. Asked for when somebody wants to see it.

import { h } from './dom.js';
import { clock, span } from './format.js';
import { ask, seen } from './live.js';
import { empty, path, pill, table, who } from './view-parts.js';

export const title = 'History';
export const needs = 'operations';

const KINDS = { released: '', done: '', closed: '', downgraded: '' };

let draws = () => {};
let found = { state: 'new', rows: [], asked: {} };

export function start(draw) {
  draws = draw;
  document.addEventListener('submit', (event) => {
    if (event.target.id === 'history-form') {
      event.preventDefault();
      const form = new FormData(event.target);
      look({ path: form.get('path').trim(), at: form.get('at') });
    }
  });
}

export function show() {
  look(found.asked);
}

async function look({ path: asked = '', at = '' }) {
  found = { ...found, state: 'asked', asked: { path: asked, at } };
  draws();
  const mine = found;
  try {
    const rows =
      at !== '' && asked === ''
        ? Promise.reject(new Error('A moment needs a path or a job, too.'))
        : at !== ''
          ? ask('held_at', { path: asked, at: new Date(at).toISOString() })
          : ask('history', { path: asked });
    const answer = { ...mine, state: 'found', rows: await rows };
    found = found === mine ? answer : found;
  } catch (error) {
    found = found === mine ? { ...mine, state: 'failed', why: error.message } : found;
  }
  draws();
}

export function draw({ operations }) {
  return [
    h('form', { id: 'history-form', class: 'ask', 'data-key': 'form', 'data-keep': true },
      h('label', null, 'Path or job', h('input', { name: 'path', placeholder: '/locks/orders, or empty for all', autocomplete: 'off', spellcheck: 'false', value: found.asked.path })),
      h('label', null, 'Held at', h('input', { name: 'at', type: 'datetime-local', step: '1', value: found.asked.at })),
      h('button', { type: 'submit', class: 'primary' }, 'Look')),
    holds(),
    h('h2', { 'data-key': 'operations' }, 'What operators did'),
    operations.rows ? table(
      [
        ['When', (o) => clock(o.at)],
        ['Who', (o) => o.who],
        ['What', (o) => [h('code', null, o.what), ' ', o.target ? path(o.target) : ''], 'wide'],
        ['Why', (o) => o.why, 'wide'],
        ['Result', (o) => o.result],
      ], operations.rows, (o) => o.number) : empty('Nothing so far.'),
  ];
}

function holds() {
  if (found.state === 'failed') {
    return h('p', { class: 'empty error', role: 'alert' }, found.why);
  } else if (found.state !== 'found' && found.rows.length === 0) {
    return empty('Looking…');
  } else if (found.rows.length === 0) {
    return empty(found.asked.at ? 'Nobody held it at that moment, as far as is remembered.' : 'Nothing that was held and has ended is remembered.');
  }
  return h('div', { id: 'holds', class: found.state === 'asked' ? 'old' : '' }, table(
    [
      ['What', (r) => [path(r.path), h('span', { class: 'where' }, r.kind === 'lock' ? `${r.recipe} · ${r.what}` : `${r.kind} · ${r.what}`)], 'wide'],
      ['Who', who, 'wide'],
      ['From', (r) => clock(r.since)],
      ['Until', (r) => (r.until ? clock(r.until) : pill('held still', 'good'))],
      ['For', (r) => span(((r.until ? Date.parse(r.until) : Date.parse(seen.at)) - Date.parse(r.since)) / 1000)],
      ['Ended', (r) => r.how && [pill(r.how, KINDS[r.how] ?? 'warn'), r.ended_by && h('span', { class: 'where' }, `${r.ended_by}: ${r.why}`)]],
    ], found.rows, (r) => `${r.path} ${r.token} ${r.since}`));
}
