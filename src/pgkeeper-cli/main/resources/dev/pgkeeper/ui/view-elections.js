import { button } from './change.js';
import { h } from './dom.js';
import { count, since } from './format.js';
import { cut, empty, matching, path, pill, who } from './view-parts.js';

export const title = 'Elections';
export const needs = 'elections';
export const filtered = true;

export function draw({ elections }, filter) {
  const rows = matching(elections.rows ?? [], filter);
  return elections.total === 0
    ? empty('Nobody stands for election.')
    : [h('div', { class: 'cards' }, rows.map(election)), cut(elections, filter, rows.length)];
}

function election(row) {
  return h('article', { class: 'card', 'data-key': row.path },
    h('h2', null, path(row.path)),
    h('p', { class: 'sub' }, count(row.candidates, 'candidate'), row.led ? [', led for ', since(row.since)] : [' ', pill('no leader', 'bad')]),
    h('ol', { class: 'line' }, row.stand.map((candidate) => standing(row, candidate))),
    row.candidates > row.stand.length && h('p', { class: 'sub' }, `and ${count(row.candidates - row.stand.length, 'more', 'more')}`));
}

function standing(row, c) {
  return h('li', { 'data-key': c.token, class: c.leads ? 'leads' : '' },
    h('span', { class: 'mark', title: c.leads ? 'leads' : `place ${c.place}` }, c.leads ? '★' : c.place),
    h('span', { class: 'who' }, h('span', { class: 'client' }, c.identity), who(c)),
    h('span', { class: 'meta' }, h('span', { title: `token ${c.token}` }, 'stands ', since(c.joined)),
      !c.leads && button('move_leadership', { path: row.path, candidate: c.identity })));
}
