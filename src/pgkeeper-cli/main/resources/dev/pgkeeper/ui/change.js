// What changes something: asked for once more, with a reason, and with the token that the printed link is exchanged for.

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

/** The page's other tabs: of this host and port only, unlike cookies. */
const tabs = new BroadcastChannel('pgkeeper');

tabs.onmessage = ({ data }) => {
  const token = sessionStorage.getItem(KEY);
  if (data.asks && token) {
    tabs.postMessage({ token });
  } else if (data.token && (data.isNew || !token)) {
    sessionStorage.setItem(KEY, data.token);
  }
};

/** Exchanges a link, which works once, for the token; throws with why not. */
async function enter(link) {
  const key = link.replace(/^.*#link=/, '');
  const reply = await fetch('enter', { method: 'POST', headers: { 'X-Pgkeeper-Link': key } });
  if (!reply.ok) {
    throw new Error((await reply.text()).trim());
  }
  const { token } = await reply.json();
  sessionStorage.setItem(KEY, token);
  tabs.postMessage({ token, isNew: true });
  return token;
}

/** Takes the link out of the address, where it is of no use any longer. */
export async function takeLink() {
  const given = /^#link=[0-9a-f]+$/.exec(location.hash);
  if (given) {
    history.replaceState(null, '', '#/overview');
    try {
      await enter(given[0]);
      return;
    } catch (e) {
      if (!sessionStorage.getItem(KEY)) {
        toast(`No changes here: ${e.message}`);
      }
    }
  }
  if (!sessionStorage.getItem(KEY)) {
    tabs.postMessage({ asks: true });
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
  byId('dialog-link').value = '';
  askForLink(sessionStorage.getItem(KEY) === null);
  showError('');
  byId('dialog').showModal();
  byId('dialog-why').focus();
}

function askForLink(ask) {
  byId('dialog-link-part').hidden = !ask;
  byId('dialog-link').required = ask;
}

function showError(text) {
  say(byId('dialog-error'), text);
  byId('dialog-error').hidden = text === '';
}

async function send() {
  const { name, args, change } = pending;
  const why = byId('dialog-why').value.trim();
  const link = byId('dialog-link').value.trim();
  byId('dialog-do').disabled = true;
  try {
    const token = link ? await enter(link) : (sessionStorage.getItem(KEY) ?? '');
    byId('dialog-link').value = '';
    const reply = await fetch(`change/${name}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Pgkeeper-Token': token },
      body: JSON.stringify({ ...args, why }),
    });
    if (reply.ok) {
      byId('dialog').close();
      toast(change.done((await reply.json()).result, args));
      return;
    }
    const said = (await reply.text()).trim();
    if (reply.status === 401) {
      sessionStorage.removeItem(KEY);
      askForLink(true);
    }
    showError(said);
  } catch (e) {
    showError(e instanceof TypeError ? 'The page\u2019s own server is not reached.' : e.message);
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
