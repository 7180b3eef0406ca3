// What several views have in common.

import { h } from './dom.js';
import { number } from './format.js';

/** A client, and where it runs. */
export function who(row) {
  return h('span', { class: 'who' },
    h('span', { class: 'client' }, row.client ?? '–', row.alive === false && h('span', { class: 'pill bad' }, 'over')),
    h('span', { class: 'where' }, row.session == null ? '' : `${row.host ?? '–'} · pid ${row.pid ?? '–'} · session ${row.session}`));
}

export function path(text) {
  return h('code', { class: 'path' }, text);
}

export function pill(text, kind = '') {
  return h('span', { class: `pill ${kind}` }, text);
}

/** A table that becomes a list of cards where there is no room. Columns: name, what is in its cells, and a class. */
export function table(columns, rows, key) {
  return h('div', { class: 'scroll' },
    h('table', null,
      h('thead', null, h('tr', null, columns.map(([name, , kind]) => h('th', { scope: 'col', class: kind }, name)))),
      h('tbody', null, rows.map((row) =>
        h('tr', { 'data-key': key(row) }, columns.map(([name, cell, kind]) => h('td', { class: kind, 'data-name': name }, cell(row))))))));
}

/** The rows that have what is typed anywhere in them. */
export function matching(rows, filter) {
  return filter === '' ? rows : rows.filter((row) => JSON.stringify(Object.values(row)).toLowerCase().includes(filter));
}

export function empty(text) {
  return h('p', { class: 'empty' }, text);
}

/** Says so where not everything is shown. */
export function cut(part, filter, shown) {
  const sent = part.rows?.length ?? 0;
  return [
    filter !== '' && shown === 0 && empty(`None of those shown has "${filter}".`),
    part.total > sent && h('p', { class: 'cut' }, `${number(sent)} of ${number(part.total)}: those most worth seeing. The views and the command line have all.`),
  ];
}
