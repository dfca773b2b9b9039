import { read, level } from './spark.js';

// What is known, and the stream that keeps it so. Listeners are told "all" when everything is
// new, "sample" with what has changed, and "live" when that begins or ends.

export const store = {
  circuits: new Map(), // by key
  transitions: [], // newest first
  instances: 0,
  more: false,
  slot: 0,
  slots: 120,
  every: 1000,
  ahead: 0, // how far the server's clock is ahead of ours
  since: 0, // since when this is not live; 0 if it is
  why: 'connecting',
  known: false,
};

// now is the time by the server's clock.
export const now = () => Date.now() + store.ahead;

const listeners = [];
export const listen = (f) => listeners.push(f);
const tell = (kind, data) => listeners.forEach((f) => f(kind, data));

let source = null;
let heard = 0; // when something last came, by a clock that nobody sets
let tries = 0;
let again = 0;

// connect listens. A stream cannot say why there is none: who knows it already says it here.
export function connect(refusal = '') {
  clearTimeout(again);
  source?.close();
  source = new EventSource('api/events');
  heard = performance.now();
  const on = (kind, f) => source.addEventListener(kind, (e) => {
    heard = performance.now();
    tries = 0;
    f(JSON.parse(e.data));
  });
  on('all', all);
  on('sample', sample);
  on('lost', (d) => lost(d.since - store.ahead, `the storage does not answer: ${d.why}`));
  on('beat', () => {});
  on('full', (d) => { // it would take the place of another, which would take it back
    drop();
    lost(Date.now(), d.why);
  });
  source.onerror = () => broken(tries && refusal ? refusal : 'the connection is lost');
}

function drop() {
  source?.close();
  source = null;
  clearTimeout(again);
}

// broken waits a moment, longer each time, and tries again. Whoever may not look any more is
// led to the form.
async function broken(why) {
  drop();
  lost(Date.now(), why);
  const wait = Math.min(5000, 250 * 2 ** tries++) * (0.75 + Math.random() / 2);
  again = setTimeout(async () => {
    try {
      const is = await fetch('api/me', { signal: AbortSignal.timeout(5000) });
      if (is.status === 401) location.reload();
      if (is.ok) return connect((await is.json()).full);
    } catch { /* it is still away */ }
    broken(why);
  }, wait);
}

// A connection can die without anybody being told.
setInterval(() => {
  if (source && performance.now() - heard > Math.max(15000, 3 * store.every)) broken('nothing has been heard');
}, 1000);

// Nobody looks at a page that is hidden: after a minute it lets the server go.
let hidden = 0;
document.addEventListener('visibilitychange', () => {
  clearTimeout(hidden);
  if (document.hidden) {
    hidden = setTimeout(() => {
      drop();
      lost(Date.now(), 'the page was hidden');
    }, 60000);
  } else if (!source) {
    tries = 0;
    connect();
  }
});

function lost(since, why) {
  if (!store.since) store.since = since;
  store.why = why;
  tell('live');
}

function found() {
  if (!store.since && !store.why) return;
  store.since = 0;
  store.why = '';
  tell('live');
}

// add keeps a circuit, with what the list needs in order to find it.
function add(c, past) {
  c.past = past;
  c.find = c.key.toLowerCase();
  store.circuits.set(c.key, c);
}

function all(d) {
  store.ahead = d.at - Date.now();
  Object.assign(store, { slot: d.slot, slots: d.slots, every: d.every, instances: d.instances, more: !!d.more, known: d.known });
  store.circuits = new Map();
  (d.circuits ?? []).forEach((c, i) => add(c, read(d.past[i], d.slot)));
  store.transitions = d.transitions ?? [];
  if (d.lost) lost(d.lost.since - store.ahead, `the storage does not answer: ${d.lost.why}`);
  else if (d.known) found();
  tell('all', d);
}

function sample(d) {
  store.ahead = d.at - Date.now();
  const before = store.slot, n = store.slots;
  Object.assign(store, { slot: d.slot, instances: d.instances, more: !!d.more, known: true });
  for (const key of d.gone ?? []) store.circuits.delete(key);
  const changed = new Map((d.circuits ?? []).map((c) => [c.key, c]));
  d.before = new Map();
  for (const [key, c] of changed) {
    const old = store.circuits.get(key);
    d.before.set(key, old);
    add(c, old?.past ?? new Int8Array(n).fill(-1));
  }
  for (const c of store.circuits.values()) {
    const was = c.past[before % n];
    for (let s = Math.max(before + 1, d.slot - n + 1); s < d.slot; s++) c.past[s % n] = was;
    c.past[d.slot % n] = level(c);
  }
  if (d.transitions) {
    store.transitions = [...d.transitions, ...store.transitions].sort((a, b) => b.at - a.at).slice(0, 200);
  }
  found();
  tell('sample', d);
}
