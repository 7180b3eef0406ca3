import { button } from './change.js';
import { number, since, span, until } from './format.js';
import { cut, empty, matching, pill, table, who } from './view-parts.js';

export const title = 'Sessions';
export const needs = 'sessions';
export const filtered = true;

export function draw({ sessions }, filter) {
  const rows = matching(sessions.rows ?? [], filter);
  return sessions.total === 0
    ? empty('No client is there.')
    : [rows.length > 0 && table(
        [
          ['Client', who, 'wide'],
          ['State', state],
          ['Open for', (s) => since(s.opened)],
          ['Ends if silent', (s) => until(s.ends)],
          ['Timeout', (s) => span(Number(s.timeout))],
          ['Reconnects', (s) => number(s.reconnects)],
          ['', (s) => button('end_session', { session: s.session, client: s.client }), 'act'],
        ], rows, (s) => s.session),
      cut(sessions, filter, rows.length)];
}

function state(session) {
  if (!session.alive) {
    return pill('over', 'bad');
  } else if (session.connected === false) {
    return pill('connection lost', 'warn');
  }
  return pill(session.connected === null ? 'lease only' : 'connected', 'good');
}
