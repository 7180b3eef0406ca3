// The tree, a level at a time: what is open is asked for again every few seconds, and nothing else.

import { h } from './dom.js';
import { bytes, clock, count, number, since, span } from './format.js';
import { ask } from './live.js';
import { empty, path as code, pill } from './view-parts.js';

export const title = 'Tree';

const PAUSE_MS = 5000;

/** A look that took long is not repeated soon: the page is to cost next to nothing. */
const REST = 100;

const FIRST = 100;
const MOST = 1000;
const MOST_OPEN = 50;

const open = new Map([['/', FIRST]]);
let levels = {};
let chosen = '/';
let why = null;
let timer = 0;
let draws = () => {};
let isShown = false;

export function start(draw) {
  draws = draw;
  document.addEventListener('click', (event) => {
    const node = event.target.closest('[data-node]');
    const more = event.target.closest('[data-more]');
    if (more) {
      open.set(more.dataset.more, Math.min(MOST, (open.get(more.dataset.more) ?? FIRST) * 3));
      look();
    } else if (node) {
      choose(node.dataset.node, event.target.closest('.twist') !== null || chosen === node.dataset.node || !open.has(node.dataset.node));
    }
  });
  document.addEventListener('submit', (event) => {
    if (event.target.id === 'tree-form') {
      event.preventDefault();
      goTo(new FormData(event.target).get('path').trim());
    }
  });
  document.addEventListener('keydown', arrows);
  document.addEventListener('visibilitychange', () => isShown && !document.hidden && look());
}

export function show() {
  isShown = true;
  look();
}

export function hide() {
  isShown = false;
  clearTimeout(timer);
}

function choose(path, toggles) {
  chosen = path;
  if (toggles && path !== '/') {
    if (open.has(path)) {
      open.delete(path);
    } else {
      unfold(path);
    }
  }
  draws();
  look();
}

function unfold(path) {
  open.set(path, FIRST);
  while (open.size > MOST_OPEN) {
    open.delete([...open.keys()].find((each) => each !== '/' && each !== path));
  }
}

function goTo(path) {
  if (!path.startsWith('/')) {
    why = 'A path begins with a slash.';
    draws();
    return;
  }
  const parts = path.split('/').filter((part) => part !== '');
  parts.forEach((part, i) => unfold(`/${parts.slice(0, i + 1).join('/')}`));
  chosen = `/${parts.join('/')}`;
  look();
}

async function look() {
  clearTimeout(timer);
  const began = performance.now();
  const asked = new Map(open);
  if (!asked.has(chosen)) {
    asked.set(chosen, 1);
  }
  try {
    const answer = await ask('tree', [...asked.keys()].map((path) => ['path', path]).concat([...asked.values()].map((most) => ['most', most])));
    levels = answer;
    why = null;
  } catch (error) {
    why = error.message;
  }
  draws();
  clearTimeout(timer);
  if (isShown && !document.hidden) {
    timer = setTimeout(look, Math.max(PAUSE_MS, REST * (performance.now() - began)));
  }
}

export function draw() {
  return [
    h('form', { id: 'tree-form', class: 'ask', 'data-key': 'form', 'data-keep': true },
      h('label', null, 'Go to', h('input', { name: 'path', placeholder: '/services/orders', autocomplete: 'off', spellcheck: 'false' })),
      h('button', { type: 'submit' }, 'Go')),
    why && h('p', { class: 'error', role: 'alert', 'data-key': 'why' }, why),
    levels['/'] === undefined
      ? empty('Looking…')
      : h('div', { class: 'split', 'data-key': 'split' },
          h('ul', { class: 'tree', role: 'tree', 'aria-label': 'Znodes' }, item({ path: '/', name: '/', kind: 'persistent', children: levels['/'].node?.children, alive: true }, 1)),
          h('aside', { class: 'card', 'aria-label': 'The chosen node' }, facts())),
  ];
}

function item(node, depth) {
  const isOpen = open.has(node.path);
  const level = levels[node.path];
  const rows = isOpen ? (level?.rows ?? []) : [];
  const left = Number(level?.node?.children ?? 0) - rows.length;
  return h('li', { role: 'treeitem', 'data-key': node.path, 'aria-expanded': node.children > 0 ? String(isOpen) : null, 'aria-selected': String(chosen === node.path) },
    h('button', { type: 'button', class: 'node', 'data-node': node.path, tabindex: node.path === tabbed() ? '0' : '-1', 'data-depth': Math.min(depth, 12) },
      h('span', { class: 'twist', 'aria-hidden': 'true' }, node.children > 0 ? (isOpen ? '▾' : '▸') : '·'),
      h('span', { class: 'name' }, node.name),
      node.kind !== 'persistent' && pill(node.kind, node.alive === false ? 'bad' : ''),
      node.children > 0 && h('span', { class: 'note' }, number(node.children))),
    isOpen && node.children > 0 && h('ul', { role: 'group' },
      rows.map((row) => item(row, depth + 1)),
      level === undefined && h('li', { class: 'note' }, 'Looking…'),
      left > 0 && level !== undefined && h('li', { 'data-key': 'more' },
        rows.length < MOST
          ? h('button', { type: 'button', class: 'do', 'data-more': node.path }, `${count(left, 'more', 'more')}…`)
          : h('span', { class: 'note' }, `and ${count(left, 'more', 'more')}: go to one by its path`))));
}

/** The node that the tabulator leads to: the chosen one, or the root where that is not to be seen. */
function tabbed() {
  return isSeen(chosen) ? chosen : '/';
}

function isSeen(path) {
  const above = parentOf(path);
  return path === '/' || (open.has(above) && (levels[above]?.rows ?? []).some((row) => row.path === path) && isSeen(above));
}

function parentOf(path) {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

function facts() {
  const node = levels[chosen]?.node;
  if (!node) {
    return levels[chosen] === undefined ? empty('Looking…') : [h('h2', null, code(chosen)), h('p', { class: 'sub' }, 'There is no such node.')];
  }
  const fact = (name, value) => [h('dt', null, name), h('dd', null, value)];
  return [
    h('h2', null, code(node.path)),
    h('dl', { class: 'facts' },
      fact('Kind', [node.kind, node.ttl ? `, ${span(Number(node.ttl))}` : '', node.alive ? '' : pill('about to go', 'bad')]),
      node.session && fact('Session', node.session),
      fact('Data', bytes(node.data_length)),
      fact('Version', number(node.version)),
      fact('Children', number(node.children)),
      fact('Created', [clock(node.created), ', ', since(node.created), ' ago']),
      fact('Set', [clock(node.modified), ', ', since(node.modified), ' ago']),
      fact('czxid', h('code', null, node.czxid)),
      fact('mzxid', h('code', null, node.mzxid)),
      fact('pzxid', h('code', null, node.pzxid))),
    h('p', { class: 'sub' }, 'Its data is not shown here.'),
  ];
}

/** Up and down go through what is visible, right unfolds, left folds or goes to the node above. */
function arrows(event) {
  const at = event.target.closest?.('[data-node]');
  if (!at || !['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight', 'Home', 'End'].includes(event.key)) {
    return;
  }
  event.preventDefault();
  const all = [...document.querySelectorAll('[data-node]')];
  const path = at.dataset.node;
  const folds = at.closest('li').getAttribute('aria-expanded');
  if (event.key === 'ArrowRight' && folds === 'false') {
    choose(path, true);
    return;
  } else if (event.key === 'ArrowLeft' && folds === 'true' && path !== '/') {
    choose(path, true);
    return;
  }
  const above = all.find((each) => each.dataset.node === parentOf(path));
  const next = {
    ArrowUp: all[all.indexOf(at) - 1],
    ArrowDown: all[all.indexOf(at) + 1],
    ArrowRight: all[all.indexOf(at) + 1],
    ArrowLeft: above,
    Home: all[0],
    End: all.at(-1),
  }[event.key];
  if (next) {
    next.focus();
    choose(next.dataset.node, false);
  }
}
