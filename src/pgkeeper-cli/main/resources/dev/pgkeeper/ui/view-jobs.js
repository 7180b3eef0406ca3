import { button } from './change.js';
import { h } from './dom.js';
import { clock, count, since, span, until } from './format.js';
import { cut, empty, matching, pill, who } from './view-parts.js';

export const title = 'Jobs';
export const needs = 'jobs';
export const filtered = true;

const KINDS = { done: 'good', failed: 'bad', abandoned: 'bad', running: 'busy', requested: 'busy' };

export function draw({ jobs }, filter) {
  const rows = matching(jobs.rows ?? [], filter);
  return jobs.total === 0
    ? empty('No job is known.')
    : [h('div', { class: 'cards' }, rows.map(card)), cut(jobs, filter, rows.length)];
}

function card(job) {
  const runs = job.runs ?? [];
  return h('article', { class: 'card', 'data-key': job.job },
    h('h2', null, job.job),
    h('p', { class: 'sub' }, job.paused ? [pill('paused', 'warn'), ' for ', since(job.paused), ' · '] : '',
      job.schedule ? h('code', null, job.schedule) : 'started from elsewhere', job.running > 0 ? ` · ${count(job.running, 'run')} under way` : '',
      job.last_done ? [' · last done ', since(job.last_done), ' ago'] : ''),
    runs.length === 0
      ? h('p', { class: 'sub' }, 'It never ran.')
      : [
          h('ol', { class: 'strip', reversed: true, 'aria-label': 'The last runs, the newest first' },
            runs.map((run) => h('li', { class: KINDS[run.state] ?? '', title: `${run.tick}: ${run.state}`, 'aria-label': `${run.tick}: ${run.state}` }))),
          h('details', { 'data-key': 'runs' }, h('summary', null, latest(runs[0])), h('ol', { class: 'line' }, runs.map(row))),
        ],
    h('p', { class: 'acts' },
      job.paused ? button('resume_job', { job: job.job }) : button('pause_job', { job: job.job }),
      button('trigger_job', { job: job.job })));
}

function latest(run) {
  return ['Last run: ', pill(run.state, KINDS[run.state]), ' ', run.started ? [since(run.started), ' ago'] : ''];
}

function row(run) {
  return h('li', { 'data-key': run.tick },
    h('span', { class: 'mark' }, h('span', { class: `spot ${KINDS[run.state] ?? ''}` })),
    h('span', { class: 'who' }, h('span', { class: 'client' }, run.tick), who(run), run.error && h('span', { class: 'error' }, run.error)),
    h('span', { class: 'meta' }, h('span', null, run.state), run.attempt > 1 && pill(`attempt ${run.attempt}`, 'warn'),
      run.started && h('span', null, clock(run.started)), run.duration != null && h('span', null, `took ${span(Number(run.duration))}`),
      run.state === 'running' && h('span', null, 'may be taken over ', until(run.ends))));
}
