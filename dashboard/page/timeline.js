import { el, byId } from './dom.js';
import { store } from './live.js';
import { visible, happened, status, why, date, evidence } from './words.js';
import { href } from './list.js';

// What has happened, newest first.

// item is a transition as a line. Of one circuit alone its key needs not be said.
export function item(t, { key = true, more = false } = {}) {
  const look = t.to ? status({ state: t.to, hold: t.hold }).look : 'gone';
  const facts = evidence(t);
  return el('li', { 'data-look': look, 'data-id': t.id },
    el('p', { class: 'what' },
      key && el('a', { class: 'key', href: href(t.key), dir: 'auto', title: visible(t.key) }, visible(t.key)),
      el('span', { class: 'pill small' }, happened(t)),
      el('time', { datetime: new Date(t.at).toISOString() }, date(t.at))),
    el('p', { class: 'muted' }, sentence(t)),
    t.note && el('p', { class: 'note', dir: 'auto' }, visible(t.note)),
    more && facts.length > 0 && el('details', {},
      el('summary', {}, 'Evidence', t.by && t.reason !== 'commanded' ? ', decided by ' : '', t.by && t.reason !== 'commanded' ? el('bdi', {}, visible(t.by)) : ''),
      el('ul', {}, ...facts.map((f) => el('li', {}, f)))));
}

// sentence begins with a word of ours, or with a name as it is written.
function sentence(t) {
  const who = t.by ? visible(t.by) : 'somebody';
  if (!t.from) return 'An instance has used it for the first time';
  if (!t.to) return `Deleted by ${who}`;
  if (t.reason === 'commanded') return `Ordered by ${who}`;
  const is = why(t.reason, t.by);
  return is.charAt(0).toUpperCase() + is.slice(1);
}

const drawn = new Map(); // lines, by the transition's ID

// refresh adds what is new, and takes off what has fallen off.
export function refresh() {
  const box = byId('timeline');
  const there = new Set(store.transitions.map((t) => t.id));
  for (const [id, line] of drawn) {
    if (!there.has(id)) {
      line.remove();
      drawn.delete(id);
    }
  }
  let next = box.firstChild;
  for (const t of store.transitions) {
    let line = drawn.get(t.id);
    if (line === next && line) {
      next = next.nextSibling;
      continue;
    }
    if (!line) drawn.set(t.id, line = item(t));
    box.insertBefore(line, next);
  }
}
