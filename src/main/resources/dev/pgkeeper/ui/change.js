// What changes something: asked for once more, with a reason, and with the token.

import { h, say } from './dom.js';
import { count } from './format.js';

const byId = (id) => document.getElementById(id);

const KEY = 'pgkeeper-token';

/** What can be done: how it is called, what is said before and after. */
const CHANGES = {
  end_session: {
    verb: 'End session',
    text: (a) => `Session ${a.session} of ${a.client} ends at once, with all it owns: its locks, leaderships and nodes go, its messages return.`,
    done: () => 'The session was ended.',
  },
  break_lock: {
    verb: 'Break lock',
    text: (a) => `${a.path} is taken from ${a.client}. Its fences fail from now on, and the next in line has it.`,
    done: (result) => `${count(result, 'hold')} taken away.`,
  },
  move_leadership: {
    verb: 'Make leader',
    text: (a) => `${a.candidate} leads ${a.path} at once. All who stand before it are taken out.`,
    done: (result, a) => `${a.candidate} leads.`,
  },
  pause_queue: { verb: 'Pause', text: (a) => `Nobody takes from ${a.queue} until it is resumed.`, done: was('paused') },
  resume_queue: { verb: 'Resume', text: (a) => `Consumers take from ${a.queue} again.`, done: was('resumed') },
  redrive_queue: {
    verb: 'Redrive',
    text: (a) => `The dead letters of ${a.queue} wait for their turn again.`,
    done: (result) => `${count(result, 'message')} wait again.`,
  },
  pause_job: { verb: 'Pause', text: (a) => `Nothing of ${a.job} runs but what is asked for by hand.`, done: was('paused') },
  resume_job: { verb: 'Resume', text: (a) => `${a.job} runs again when it is due.`, done: was('resumed') },
  trigger_job: { verb: 'Run now', text: (a) => `${a.job} runs once, as soon as somebody can.`, done: () => 'A run was asked for.' },
};

function was(done) {
  return (result) => (result === 'true' ? `It was ${done}.` : 'It was so before.');
}

let allowed = false;
let pending = null;

/** Whether this server lets anything be changed. */
export function allow(changes) {
  allowed = changes;
}

/** A button, if anything can be changed at all. */
export function button(change, args, label = CHANGES[change].verb) {
  return (
    allowed &&
    h('button', { type: 'button', class: 'do', 'data-change': change, 'data-args': JSON.stringify(args) }, `${label}…`)
  );
}

/** Takes the token out of the address, where it need not be seen any longer. */
export function takeToken() {
  const given = /^#token=([0-9a-f]+)$/.exec(location.hash);
  if (given) {
    sessionStorage.setItem(KEY, given[1]);
    history.replaceState(null, '', '#/overview');
  }
}

export function start() {
  document.addEventListener('click', (event) => {
    const asked = event.target.closest('[data-change]');
    if (asked) {
      open(asked.dataset.change, JSON.parse(asked.dataset.args));
    }
  });
  byId('dialog-cancel').addEventListener('click', () => byId('dialog').close());
  byId('dialog-form').addEventListener('submit', (event) => {
    event.preventDefault();
    send();
  });
}

function open(name, args) {
  pending = { name, args, change: CHANGES[name] };
  say(byId('dialog-title'), pending.change.verb);
  say(byId('dialog-text'), pending.change.text(args));
  say(byId('dialog-do'), pending.change.verb);
  byId('dialog-why').value = '';
  byId('dialog-token').value = '';
  askForToken(sessionStorage.getItem(KEY) === null);
  showError('');
  byId('dialog').showModal();
  byId('dialog-why').focus();
}

function askForToken(ask) {
  byId('dialog-token-part').hidden = !ask;
  byId('dialog-token').required = ask;
}

function showError(text) {
  say(byId('dialog-error'), text);
  byId('dialog-error').hidden = text === '';
}

async function send() {
  const { name, args, change } = pending;
  const why = byId('dialog-why').value.trim();
  const token = byId('dialog-token').value.trim() || sessionStorage.getItem(KEY) || '';
  byId('dialog-do').disabled = true;
  try {
    const reply = await fetch(`change/${name}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Pgkeeper-Token': token },
      body: JSON.stringify({ ...args, why }),
    });
    if (reply.ok) {
      sessionStorage.setItem(KEY, token);
      byId('dialog').close();
      toast(change.done((await reply.json()).result, args));
      return;
    }
    const said = (await reply.text()).trim();
    if (/token/.test(said)) {
      sessionStorage.removeItem(KEY);
      askForToken(true);
    }
    showError(said);
  } catch {
    showError('The page\u2019s own server is not reached.');
  } finally {
    byId('dialog-do').disabled = false;
  }
}

let toastEnds = 0;

function toast(text) {
  say(byId('toast'), text);
  byId('toast').hidden = false;
  clearTimeout(toastEnds);
  toastEnds = setTimeout(() => (byId('toast').hidden = true), 6000);
}
