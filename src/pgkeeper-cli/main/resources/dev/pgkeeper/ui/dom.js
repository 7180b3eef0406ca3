// Elements are made here, and nowhere from markup: what comes from the database is only ever text.

// Characters that act are shown as marks: a name may not turn the text round it, or be read as another one.

const SVG = 'http://www.w3.org/2000/svg';

/** Attributes that people read or have read to them; the others are names and addresses, and stay as they are. */
const READ = new Set(['title', 'aria-label', 'placeholder']);

/** A text in which controls and characters of format, but for line breaks and tabs, are marks: ␛, ⟨U+202E⟩. */
export function visible(text) {
  return String(text).replace(/[^\P{Cc}\n\r\t]|[\p{Cf}\u2028\u2029]/gu, mark);
}

function mark(character) {
  const code = character.codePointAt(0);
  if (code < 0x20) {
    return String.fromCodePoint(0x2400 + code);
  }
  return code === 0x7f ? '␡' : `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
}

/** Makes this the text of an element. */
export function say(element, text) {
  const shown = visible(text);
  if (element.textContent !== shown) {
    element.textContent = shown;
  }
}

/** An element with attributes and children; a child is an element, a text, or nothing. */
export function h(tag, attributes, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for pictures. */
export function svg(tag, attributes, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === true) {
      element.setAttribute(name, '');
    } else if (value != null && value !== false) {
      element.setAttribute(name, READ.has(name) ? visible(value) : value);
    }
  }
  element.append(...nodes(children));
  return element;
}

function nodes(children) {
  return children
    .flat(Infinity)
    .filter((child) => child != null && child !== false)
    .map((child) => (child instanceof Node ? child : document.createTextNode(visible(child))));
}

/**
 * Makes these the children of an element, keeping the elements that are alike, so that focus, what is unfolded and where somebody
 * has scrolled to stay. Those with data-key are alike if that is the same; those with data-keep are left as they are.
 */
export function render(parent, ...children) {
  become(parent, nodes(children));
}

function become(parent, wanted) {
  const keys = new Set(wanted.map(keyOf).filter(Boolean));
  const known = new Map();
  for (const child of [...parent.children]) {
    const key = keyOf(child);
    if (key && !keys.has(key)) {
      remove(child);
    } else if (key) {
      known.set(key, child);
    }
  }
  let at = parent.firstChild;
  for (const node of wanted) {
    const key = keyOf(node);
    const match = key ? known.get(key) : at && !keyOf(at) ? at : null;
    if (match && match.nodeName === node.nodeName) {
      if (match === at) {
        at = at.nextSibling;
      } else {
        parent.insertBefore(match, at);
      }
      change(match, node);
    } else {
      parent.insertBefore(node, at);
    }
  }
  while (at) {
    const next = at.nextSibling;
    remove(at);
    at = next;
  }
}

/** Who had the focus in what goes has it in what is above. */
function remove(node) {
  const focused = node.contains(document.activeElement);
  const above = node.parentElement;
  node.remove();
  if (focused) {
    (above.closest('[role=treeitem]')?.querySelector('button') ?? document.getElementById('main'))?.focus({ preventScroll: true });
  }
}

function keyOf(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.getAttribute('data-key') : null;
}

function change(old, wanted) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== wanted.data) {
      old.data = wanted.data;
    }
    return;
  }
  if (old.hasAttribute('data-keep')) {
    return;
  }
  for (const name of old.getAttributeNames()) {
    if (!wanted.hasAttribute(name) && name !== 'open') {
      old.removeAttribute(name);
    }
  }
  for (const name of wanted.getAttributeNames()) {
    if (old.getAttribute(name) !== wanted.getAttribute(name)) {
      old.setAttribute(name, wanted.getAttribute(name));
    }
  }
  become(old, [...wanted.childNodes]);
}
