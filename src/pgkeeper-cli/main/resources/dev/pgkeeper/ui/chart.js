// Small charts: one line over what is remembered, ten minutes at most.

import { svg } from './dom.js';
import { now, number, span } from './format.js';
import { WINDOW_MS } from './live.js';

const WIDTH = 240;
const HEIGHT = 44;

/** A chart that has just begun shows so much, so that its line is more than a dot. */
const LEAST_MS = 60_000;

/** A line of the values that a function takes out of each sample. */
export function line(samples, value, label) {
  const end = now();
  const shown = Math.min(WINDOW_MS, Math.max(LEAST_MS, end - (samples[0]?.t ?? end)));
  const points = samples
    .map((sample) => ({ x: WIDTH * (1 - (end - sample.t) / shown), v: Number(value(sample) ?? 0) }))
    .filter((point) => point.x >= 0);
  const values = points.map((point) => point.v);
  const most = Math.max(1, ...values);
  const y = (v) => (HEIGHT - 2 - (HEIGHT - 6) * (v / most)).toFixed(1);
  const steps = points.map((p, i) => (i === 0 ? `M${p.x.toFixed(1)} ${y(p.v)}` : `H${p.x.toFixed(1)}V${y(p.v)}`)).join('');
  const last = values.at(-1) ?? 0;
  const told = `${label}: ${number(last)} now, ${number(Math.min(last, ...values))} to ${number(Math.max(last, ...values))} in the last ${span(shown / 1000)}`;
  return svg(
    'svg',
    { class: 'chart', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': told },
    svg('title', null, told),
    svg('path', { class: 'ground', d: `M0 ${HEIGHT - 2}H${WIDTH}` }),
    points.length > 0 && svg('path', { class: 'area', d: `${steps}H${WIDTH}V${HEIGHT - 2}H${points[0].x.toFixed(1)}Z` }),
    points.length > 0 && svg('path', { class: 'line', d: `${steps}H${WIDTH}` }),
  );
}
