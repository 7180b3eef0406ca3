// The page: which view is shown, and when it is drawn again.

import { allow, start as startChanges, takeLink } from './change.js';
import { h, render, say, visible } from './dom.js';
import { clock, now, span, tick } from './format.js';
import { live, seen, start as startLive } from './live.js';
import * as elections from './view-elections.js';
import * as history from './view-history.js';
import * as jobs from './view-jobs.js';
import * as locks from './view-locks.js';
import * as overview from './view-overview.js';
import * as queues from './view-queues.js';
import * as sessions from './view-sessions.js';
import * as tree from './view-tree.js';

const VIEWS = { overview, tree, locks, elections, sessions, queues, jobs, history };

const byId = (id) => document.getElementById(id);

/** A look rests for ten seconds at most. */
const OLD_MS = 12_000;

/** What is typed into the filter of each view. */
const filters = {};

let shown = null;
let drawn = false;

function start() {
  takeLink();
  startChanges();
  for (const view of Object.values(VIEWS)) {
    view.start?.(drawSoon);
  }
  addEventListener('hashchange', choose);
  live.addEventListener('change', drawSoon);
  document.addEventListener('input', filter);
  document.addEventListener('keydown', keys);
  setInterval(() => {
    if (!document.hidden) {
      tick(byId('view'));
      drawState();
    }
  }, 1000);
  fetchAbout();
  choose();
  startLive();
}

async function fetchAbout() {
  try {
    const about = await (await fetch('about')).json();
    allow(about.changes);
    say(byId('where'), `${about.where} · ${about.schema}${about.changes ? '' : ' · read-only'}`);
    document.title = visible(`pgkeeper · ${about.where}`);
    drawSoon();
  } catch {
    setTimeout(fetchAbout, 2000);
  }
}

function choose() {
  const name = location.hash.replace(/^#\//, '').split('?')[0];
  if (location.hash === '#main') {
    return;
  }
  const next = Object.hasOwn(VIEWS, name) ? name : 'overview';
  if (next !== shown) {
    VIEWS[shown]?.hide?.();
    shown = next;
    render(byId('view'));
    scrollTo(0, 0);
    VIEWS[shown].show?.();
    drawNav();
    document.querySelector('nav [aria-current]').scrollIntoView({ block: 'nearest', inline: 'center' });
  }
  drawSoon();
}

function drawSoon() {
  if (!drawn) {
    drawn = true;
    requestAnimationFrame(() => {
      drawn = false;
      draw();
    });
  }
}

function draw() {
  const view = VIEWS[shown];
  drawNav();
  drawState();
  const loading = view.needs !== undefined && seen[view.needs] === undefined;
  byId('view').setAttribute('aria-busy', String(loading));
  render(
    byId('view'),
    h('div', { class: 'heading', 'data-key': 'heading' },
      h('h1', null, view.title),
      view.filtered && h('input', {
        type: 'search', class: 'filter', id: 'filter', 'data-keep': true, autocomplete: 'off', spellcheck: 'false',
        'aria-label': `Filter ${view.title}`, placeholder: 'Filter', title: 'press / to come here', value: filters[shown] ?? '',
      })),
    h('div', { class: `body ${seen.trouble ? 'old' : ''}`, 'data-key': shown },
      loading ? loadingText() : view.draw(seen, (filters[shown] ?? '').toLowerCase())),
  );
}

function loadingText() {
  return h('p', { class: 'empty', id: 'loading' }, seen.trouble ? 'Nothing was seen yet.' : 'Looking…');
}

function drawNav() {
  render(
    byId('nav'),
    Object.entries(VIEWS).map(([name, view]) =>
      h('a', { href: `#/${name}`, 'aria-current': name === shown ? 'page' : null }, view.title, badge(view)),
    ),
  );
}

function badge(view) {
  const attention = seen.health ? view.attention?.(seen) : 0;
  return attention ? h('span', { class: 'badge' }, attention) : null;
}

function drawState() {
  const age = seen.at ? Math.max(0, now() - Date.parse(seen.at)) : 0;
  const state = seen.trouble ? 'lost' : !seen.at ? 'wait' : age > OLD_MS ? 'old' : 'live';
  const title = { live: 'Live', old: 'Old', lost: 'Lost', wait: 'Connecting' }[state];
  byId('state').className = state;
  byId('state').title = seen.at ? `What is shown is from ${clock(seen.at)}` : '';
  const text = seen.at ? `${title} · ${span(Math.floor(age / 1000))} ago` : title;
  say(byId('state-text'), text);
  const notice = seen.trouble
    ? `${seen.trouble} ${seen.at ? `What is shown is from ${clock(seen.at)}.` : ''} It is tried again by itself.`
    : '';
  say(byId('notice'), notice);
  byId('notice').hidden = notice === '';
}

function filter(event) {
  if (event.target.id === 'filter') {
    filters[shown] = event.target.value;
    drawSoon();
  }
}

/** 1 to 8 choose a view, / goes to the filter. */
function keys(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, dialog')) {
    return;
  }
  const name = Object.keys(VIEWS)[Number(event.key) - 1];
  if (name) {
    location.hash = `#/${name}`;
  } else if (event.key === '/' && byId('filter')) {
    event.preventDefault();
    byId('filter').focus();
  }
}

start();
