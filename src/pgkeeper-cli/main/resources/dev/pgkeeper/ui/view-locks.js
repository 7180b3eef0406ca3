import { button } from './change.js';
import { h } from './dom.js';
import { count, since, until } from './format.js';
import { cut, empty, matching, path, pill, who } from './view-parts.js';

export const title = 'Locks';
export const needs = 'locks';
export const filtered = true;

export function draw({ locks }, filter) {
  const rows = matching(locks.rows ?? [], filter);
  return locks.total === 0
    ? empty('No lock is held, and nobody waits for one.')
    : [h('div', { class: 'cards' }, rows.map(lock)), cut(locks, filter, rows.length)];
}

function lock(row) {
  return h('article', { class: 'card', 'data-key': row.path },
    h('h2', null, path(row.path)),
    h('p', { class: 'sub' }, row.recipe.replace('_', '-'), row.permits > 1 ? ` · ${count(row.permits, 'permit')}` : '',
      row.waiters > 0 ? [' · ', h('strong', null, `${count(row.waiters, 'waits', 'wait')}`)] : ''),
    row.held ? h('ul', { class: 'line held' }, row.held.map((hold) => holder(row, hold))) : h('p', { class: 'sub' }, 'Nobody holds it.'),
    more(row.holders - (row.held?.length ?? 0), 'holds', 'hold'),
    row.waits && h('ol', { class: 'line waits', 'aria-label': `Waiting for ${row.path}` }, row.waits.map(waiter)),
    more(row.waiters - (row.waits?.length ?? 0), 'waits', 'wait'));
}

function holder(row, hold) {
  return h('li', { 'data-key': hold.token },
    h('span', { class: 'mark', title: 'holds' }, '●'), who(hold),
    h('span', { class: 'meta' }, hold.what !== 'lock' && pill(what(row, hold.what)), hold.revoked && pill('asked back', 'warn'),
      h('span', { title: `token ${hold.token}` }, 'held ', since(hold.since)), hold.ends && h('span', null, 'ends ', until(hold.ends)),
      button('break_lock', { path: row.path, token: hold.token, client: hold.client }, 'Break')));
}

function waiter(wait) {
  return h('li', { 'data-key': `${wait.session} ${wait.place} ${wait.since}` },
    h('span', { class: 'mark' }, wait.place), who(wait),
    h('span', { class: 'meta' }, wait.what !== 'lock' && pill(wait.what), h('span', null, 'waits ', since(wait.since))));
}

function what(row, text) {
  return row.recipe === 'semaphore' ? count(Number(text) || 1, 'permit') : text;
}

function more(left, one, many) {
  return left > 0 && h('p', { class: 'sub' }, `and ${count(left, `more ${one}`, `more ${many}`)}`);
}
