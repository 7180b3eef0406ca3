// How numbers, spans and moments are written. The clock is the database's.

import { h, say } from './dom.js';

const digits = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
let ahead = 0;

/** What the database's clock just said. */
export function setClock(moment) {
  ahead = Date.parse(moment) - Date.now();
}

/** The database's time, in milliseconds. */
export function now() {
  return Date.now() + ahead;
}

export function number(value) {
  return value == null ? '–' : digits.format(Number(value)).replaceAll(',', '\u2009');
}

/** "1 lock", "3 locks". */
export function count(value, one, many = one + 's') {
  return `${number(value)} ${Number(value) === 1 ? one : many}`;
}

export function bytes(value) {
  if (value == null) {
    return '–';
  }
  for (const [unit, size] of [['MB', 1e6], ['kB', 1e3]]) {
    if (value >= size) {
      return `${number(value / size)} ${unit}`;
    }
  }
  return `${number(value)} B`;
}

/** A span in seconds, as people say it. */
export function span(seconds) {
  const all = Math.max(0, seconds);
  if (all < 1) {
    return all === 0 ? '0 s' : `${Math.max(1, Math.round(all * 1000))} ms`;
  } else if (all < 60) {
    return `${all < 10 ? digits.format(Math.floor(all * 10) / 10) : Math.floor(all)} s`;
  } else if (all < 3600) {
    return `${Math.floor(all / 60)} min`;
  } else if (all < 86400) {
    return `${Math.floor(all / 3600)} h ${Math.floor((all % 3600) / 60)} min`;
  }
  return `${Math.floor(all / 86400)} d ${Math.floor((all % 86400) / 3600)} h`;
}

/** How long ago a moment is; it grows by itself. */
export function since(moment) {
  return live(moment, 'since');
}

/** How long it is to a moment. */
export function until(moment) {
  return live(moment, 'until');
}

function live(moment, kind) {
  const at = Date.parse(moment);
  if (moment == null || Number.isNaN(at)) {
    return moment === 'infinity' ? 'never' : '–';
  }
  const element = h('time', { datetime: moment, title: clock(moment, true), 'data-kind': kind });
  say(element, told(at, kind));
  return element;
}

function told(at, kind) {
  const seconds = Math.floor((now() - at) / 1000);
  if (kind === 'since') {
    return span(seconds);
  }
  return seconds > 0 ? `${span(seconds)} ago` : `in ${span(-seconds)}`;
}

/** Brings what grows by itself up to date. */
export function tick(root) {
  for (const element of root.querySelectorAll('time[data-kind]')) {
    say(element, told(Date.parse(element.dateTime), element.dataset.kind));
  }
}

/** The time of a moment, with its day if that is not today or is asked for. */
export function clock(moment, withDay = false) {
  const at = new Date(moment);
  const two = (part) => String(part).padStart(2, '0');
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  const today = at.toDateString() === new Date(now()).toDateString();
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return today && !withDay ? time : `${day} ${time}`;
}
