import { el, text, attribute, byId } from './dom.js';
import { spark, draw } from './spark.js';
import { store, now } from './live.js';
import { visible, status, deadline, percent, time, count } from './words.js';

// The list of all circuits. Only the rows that can be seen are elements, so that thousands
// cost no more than a few.

const list = byId('list'), rows = byId('rows'), empty = byId('empty');
const wide = { width: 132, height: 28 };
const filters = [
  ['all', 'All', () => true],
  ['open', 'Open', (c) => status(c).look === 'open' || status(c).look === 'isolated'],
  ['half-open', 'Half-open', (c) => status(c).look === 'half-open'],
  ['held', 'By hand', (c) => !!c.hold],
  ['suspected', 'Suspected', (c) => c.suspects > 0],
  ['closed', 'Closed', (c) => status(c).look === 'closed'],
];

let words = []; // of the search
let filter = 'all';
let sort = 'trouble';
let shown = []; // circuits, in the order of the list
let active = ''; // key of the row that the keyboard is at
let stale = true;
const made = new Map(); // rows that are elements, by key
const spare = []; // and those that wait to be used again
let numbers = 0;

export const href = (key) => '#/breaker/' + encodeURIComponent(key);
export const open = (key) => { location.hash = href(key); };

// begin sets the list up.
export function begin() {
  const box = byId('filters');
  for (const [name, word] of filters) {
    box.append(el('button', { type: 'button', 'data-filter': name, 'aria-pressed': String(name === filter), onclick: () => choose(name) },
      el('span', {}, word), el('b', {}, '0')));
  }
  byId('search').addEventListener('input', (e) => {
    words = e.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    list.scrollTop = 0;
    refresh();
  });
  byId('sort').addEventListener('change', (e) => { sort = e.target.value; list.scrollTop = 0; refresh(); });
  list.addEventListener('scroll', soon, { passive: true });
  new ResizeObserver(soon).observe(list);
  list.addEventListener('keydown', keys);
  rows.addEventListener('click', (e) => {
    const row = e.target.closest('.row');
    if (row && !e.target.closest('a')) open(row.key);
  });
}

function choose(name) {
  filter = name;
  for (const b of byId('filters').children) attribute(b, 'aria-pressed', String(b.dataset.filter === name));
  list.scrollTop = 0;
  refresh();
}

// refresh chooses and orders the circuits anew.
export function refresh() {
  const counts = Object.fromEntries(filters.map(([name]) => [name, 0]));
  const wanted = filters.find(([name]) => name === filter)[2];
  shown = [];
  for (const c of store.circuits.values()) {
    for (const [name, , has] of filters) if (has(c)) counts[name]++;
    if (wanted(c) && words.every((w) => c.find.includes(w))) shown.push(c);
  }
  const byKey = (a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
  const orders = {
    key: byKey,
    trouble: (a, b) => status(a).trouble - status(b).trouble || byKey(a, b),
    recent: (a, b) => b.since - a.since || byKey(a, b),
  };
  shown.sort(orders[sort]);
  for (const b of byId('filters').children) text(b.lastChild, counts[b.dataset.filter].toLocaleString('en'));
  attribute(list, 'aria-rowcount', String(shown.length + 1));
  const nothing = !store.known ? 'Waiting for the storage …'
    : store.circuits.size ? 'No breaker is like that.' : 'There is no breaker yet. One appears when an instance first uses it.';
  text(empty, nothing);
  empty.hidden = shown.length > 0;
  byId('cut').hidden = !store.more;
  text(byId('cut'), `There are more than ${store.circuits.size.toLocaleString('en')} breakers. Of the others only those are shown at which something goes on.`);
  soon();
}

let asked = 0;
// soon draws with the next frame.
export function soon() {
  stale = true;
  asked ||= requestAnimationFrame(() => { asked = 0; paint(); });
}

const rowHeight = () => parseFloat(getComputedStyle(list).getPropertyValue('--row')) || 56;

// paint gives each circuit that can be seen a row.
export function paint() {
  if (!stale || list.offsetParent === null) return;
  stale = false;
  const height = rowHeight();
  rows.style.height = `${shown.length * height}px`;
  const first = Math.max(0, Math.floor(list.scrollTop / height) - 6);
  const last = Math.min(shown.length, Math.ceil((list.scrollTop + list.clientHeight) / height) + 6);
  const wanted = new Set();
  for (let i = first; i < last; i++) wanted.add(shown[i].key);
  for (const [key, row] of made) {
    if (!wanted.has(key)) {
      made.delete(key);
      spare.push(row);
    }
  }
  for (let i = first; i < last; i++) {
    const c = shown[i];
    let row = made.get(c.key);
    if (!row) {
      row = spare.pop() ?? newRow();
      made.set(c.key, row);
      row.key = c.key;
      const name = visible(c.key);
      text(row.name, name);
      row.name.title = name;
      row.name.href = href(c.key);
      if (!row.isConnected) rows.append(row);
    }
    row.style.transform = `translateY(${i * height}px)`;
    attribute(row, 'aria-rowindex', String(i + 2));
    fill(row, c);
  }
  for (const row of spare) if (row.isConnected) row.remove();
  const at = made.get(active);
  attribute(list, 'aria-activedescendant', at ? at.id : null);
}

function newRow() {
  const row = el('div', { class: 'row', role: 'row', id: `row${numbers++}` });
  row.pill = el('span', { class: 'pill' });
  row.name = el('a', { class: 'key', tabindex: '-1', dir: 'auto' });
  row.spark = spark(wide.width, wide.height);
  row.rate = el('b', {});
  row.calls = el('small', {});
  row.since = el('span', {});
  row.until = el('small', { class: 'until' });
  row.active_ = el('span', {});
  row.suspects = el('small', { class: 'suspects' });
  row.append(
    el('span', { role: 'gridcell', class: 'c-state' }, row.pill),
    el('span', { role: 'rowheader', class: 'c-key' }, row.name),
    el('span', { role: 'gridcell', class: 'c-rate' }, row.spark, el('span', { class: 'two' }, row.rate, row.calls)),
    el('span', { role: 'gridcell', class: 'c-time two' }, row.since, row.until),
    el('span', { role: 'gridcell', class: 'c-active two' }, row.active_, row.suspects),
  );
  return row;
}

function fill(row, c) {
  const s = status(c);
  attribute(row, 'data-look', s.look);
  attribute(row, 'aria-selected', c.key === active ? 'true' : 'false');
  text(row.pill, s.word);
  text(row.rate, percent(c));
  text(row.calls, c.outcomes ? `${c.failures} of ${c.outcomes}` : 'none reported');
  text(row.active_, c.active ? count(c.active, 'active', 'active') : 'quiet');
  text(row.suspects, [c.suspects && `${count(c.suspects, 'suspects', 'suspect')}`, c.disagree && 'settings differ'].filter(Boolean).join(' · '));
  draw(row.spark, c.past, store.slot, wide.width, wide.height);
  tick(row, c);
}

// tick moves what depends on the time.
function tick(row, c) {
  const at = now();
  text(row.since, c.reason === 'untouched' ? 'never changed' : `for ${time(at - c.since)}`);
  text(row.until, deadline(c, at));
}

// ticks does so for all rows that can be seen.
export function ticks() {
  if (list.offsetParent === null) return;
  for (const [key, row] of made) {
    const c = store.circuits.get(key);
    if (c) tick(row, c);
  }
}

function keys(e) {
  if (e.target !== list || e.altKey || e.ctrlKey || e.metaKey) return;
  const at = shown.findIndex((c) => c.key === active);
  const page = Math.max(1, Math.floor(list.clientHeight / rowHeight()) - 2);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: shown.length - 1, j: at + 1, k: at - 1 }[e.key];
  if (e.key === 'Enter' && at >= 0) open(active);
  else if (to === undefined) return;
  else go(Math.max(0, Math.min(shown.length - 1, to)));
  e.preventDefault();
}

function go(i) {
  if (!shown[i]) return;
  active = shown[i].key;
  const height = rowHeight(), top = i * height, head = list.querySelector('.head').offsetHeight;
  if (top < list.scrollTop) list.scrollTop = top;
  else if (top + height + head > list.scrollTop + list.clientHeight) list.scrollTop = top + height + head - list.clientHeight;
  soon();
}

// focus goes to the list, and to its first row if it was at none.
export function focus() {
  list.focus();
  if (!shown.some((c) => c.key === active)) go(0);
}

// leaveTo remembers a row, for when one comes back.
export const leaveTo = (key) => { active = key; };
