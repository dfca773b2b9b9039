import { el, text, attribute, byId } from './dom.js';
import { spark, draw } from './spark.js';
import { store, now } from './live.js';
import { visible, status, why, deadline, percent, time, date, count } from './words.js';
import { item } from './timeline.js';
import { actions, ask } from './act.js';

// The page of one circuit: its state, what it goes by, what each instance says, and what it
// has gone through.

const main = byId('breaker');
const size = { width: 600, height: 120 };
let key = ''; // of the circuit that is shown; empty if none is
let parts = null; // the page's elements
let detail = null; // the last answer
let older = []; // history that was asked for beyond the first page
let busy = false, late = false;

export const shown = () => key;

// show builds the page of a circuit.
export function show(k, me) {
  key = k;
  detail = null;
  older = [];
  late = false;
  const p = parts = {
    me, pill: el('span', { class: 'pill big' }), why: el('p', { class: 'why' }), note: el('p', { class: 'note', dir: 'auto' }),
    until: el('p', { class: 'countdown' }), bar: el('span', {}), problem: el('p', { class: 'problem', role: 'alert', hidden: true }),
    rate: el('b', {}), chart: spark(size.width, size.height), actions: el('div', { class: 'actions', role: 'group', 'aria-label': 'Actions' }),
    facts: el('div', { class: 'facts' }), instances: el('div', { class: 'scroll' }), settings: el('div', {}), probes: el('div', {}),
    history: el('ol', { class: 'events' }), more: el('button', { type: 'button', class: 'quiet', hidden: true, onclick: further }, 'Older'),
  };
  p.meter = el('div', { class: 'meter', 'aria-hidden': 'true' }, p.bar);
  const card = (name, head, ...children) => el('section', { class: `card ${name}`, 'aria-labelledby': `head-${name}` }, el('h3', { id: `head-${name}` }, head), ...children);
  main.replaceChildren(
    el('a', { class: 'back', href: '#/' }, '← All breakers'),
    el('section', { class: 'card hero', 'aria-label': 'State' },
      el('div', { class: 'title' }, el('h2', { dir: 'auto', id: 'breaker-key' }, visible(key)), p.pill),
      p.problem, p.why, p.note, p.until, p.meter, p.actions),
    el('div', { class: 'columns' },
      el('div', {},
        card('chart', 'Failures in the windows of all instances', el('p', { class: 'rate' }, p.rate), p.chart, el('p', { class: 'axis muted' }, el('span', {}, `${time(store.every * store.slots)} ago`), el('span', {}, 'now'))),
        card('instances', 'What each instance says', p.facts, p.instances)),
      el('div', {},
        card('settings', 'Settings', p.settings),
        card('probes', 'Probes', p.probes),
        card('history', 'History', p.history, p.more))));
  if (!me.act && me.why_not) p.actions.append(el('p', { class: 'muted' }, `No actions here: ${me.why_not}.`));
  else p.buttons = actions.map((a) => {
    const b = el('button', { type: 'button', class: a.look, title: a.hint, onclick: () => ask(a, current(), done) }, a.word);
    p.actions.append(b);
    return [a, b];
  });
  live();
  load();
  main.focus({ preventScroll: true });
  scrollTo(0, 0);
}

export function leave() {
  key = '';
  parts = null;
  main.replaceChildren();
}

// current is the circuit as it is known: the list hears first.
const current = () => store.circuits.get(key) ?? (detail?.exists ? detail.circuit : null);

// live shows what the list knows. It is called with each sample.
export function live() {
  if (!parts) return;
  const p = parts, c = current();
  text(p.rate, c ? `${percent(c)}${c.outcomes ? ` – ${c.failures} of ${c.outcomes} calls` : ''}` : '');
  if (c?.past) draw(p.chart, c.past, store.slot, size.width, size.height);
  const s = c ? status(c) : { look: 'gone', word: detail ? 'Not there' : '…' };
  attribute(main, 'data-look', s.look);
  text(p.pill, s.word);
  p.note.hidden = !c?.note;
  text(p.note, c?.note ? visible(c.note) : '');
  for (const [a, b] of p.buttons ?? []) b.disabled = !c || (a.name === 'release' && !c.hold);
  ticks();
}

// ticks moves what depends on the time.
export function ticks() {
  if (!parts) return;
  const p = parts, c = current(), at = now();
  if (!c) {
    text(p.why, detail ? 'No instance uses this breaker at present, and nothing is kept about it. One that uses it makes it again.' : 'Looking …');
    p.until.hidden = p.meter.hidden = true;
    return;
  }
  text(p.why, c.reason === 'untouched' ? 'It has never changed.'
    : `Since ${date(c.since)}, for ${time(at - c.since)}, because ${why(c.reason, c.by)}.`);
  const next = deadline(c, at);
  p.until.hidden = !next;
  text(p.until, next);
  p.meter.hidden = !(c.until > at);
  if (!p.meter.hidden) p.bar.style.width = `${(100 * (c.until - at)) / Math.max(1, c.until - c.since)}%`;
}

// load asks for all that there is. While an answer is under way another is not asked for.
export async function load() {
  if (!key || busy) return;
  busy = true;
  const asked = key;
  try {
    const is = await fetch('api/circuit?key=' + encodeURIComponent(asked), { signal: AbortSignal.timeout(12000) });
    const body = await is.json();
    if (key === asked && is.ok) {
      detail = body;
      fill();
    }
    problem(is.ok ? '' : body.error);
  } catch {
    problem(store.since ? '' : 'This page cannot be loaded at present.');
  } finally {
    busy = false;
    if (key && key !== asked) load();
  }
}

function problem(what) {
  if (!parts) return;
  parts.problem.hidden = !what;
  text(parts.problem, what);
}

// fill shows the answer. Most of it is the same as before: only what differs is built anew.
function fill() {
  const p = parts, d = detail;
  live();
  if (changed('instances', d.reports)) p.instances.replaceChildren(instances(d));
  if (changed('facts', [d.live, d.circuit.active, d.circuit.suspects])) {
    p.facts.replaceChildren(el('p', { class: 'muted' },
      `${count(d.circuit.active, 'instance')} use it, of ${d.live} that live. ${d.circuit.suspects ? `${count(d.circuit.suspects, 'instance')} suspect it.` : 'None suspects it.'}`));
  }
  if (changed('settings', d.reports.filter((r) => r.active).map((r) => [r.instance, r.settings]))) p.settings.replaceChildren(...settings(d));
  if (changed('probes', [d.probes, d.lost])) {
    p.probes.replaceChildren(...probes(d));
    p.probes.parentElement.hidden = !d.probes.length && !d.lost;
  }
  if (changed('history', d.history.map((t) => t.id).concat(older.length))) {
    const first = new Set(d.history.map((t) => t.id));
    const all = [...d.history, ...older.filter((t) => !first.has(t.id))];
    const open = new Set([...p.history.querySelectorAll('details[open]')].map((x) => x.closest('li').dataset.id));
    p.history.replaceChildren(...all.map((t) => item(t, { key: false, more: true })));
    for (const line of p.history.children) if (open.has(line.dataset.id)) line.querySelector('details').open = true;
    if (!all.length) p.history.append(el('li', { class: 'muted' }, 'Nothing has happened to it yet.'));
    p.more.hidden = late || all.length < 50;
  }
}

function changed(what, value) {
  const is = JSON.stringify(value);
  if (parts[`was ${what}`] === is) return false;
  parts[`was ${what}`] = is;
  return true;
}

function instances(d) {
  if (!d.reports.length) return el('p', { class: 'muted' }, 'No instance has said anything about it lately.');
  return el('table', {},
    el('thead', {}, el('tr', {}, ...['Instance', 'Its own circuit', 'Failures', 'Says', 'Heard'].map((h) => el('th', { scope: 'col' }, h)))),
    el('tbody', {}, ...d.reports.map((r) => el('tr', { class: r.suspects ? 'suspect' : r.active ? '' : 'inactive' },
      el('th', { scope: 'row', dir: 'auto' }, visible(r.instance)),
      el('td', {}, r.refuses ? el('span', { class: 'pill small', 'data-look': 'open' }, 'Refuses') : el('span', { class: 'pill small', 'data-look': 'closed' }, 'Calls')),
      el('td', { class: 'number' }, r.outcomes ? `${r.failures} of ${r.outcomes}` : '–'),
      el('td', {}, says(r)),
      el('td', { class: 'number muted' }, `${time(r.ago)} ago`)))));
}

function says(r) {
  if (!r.active) return 'does not use it at present';
  if (r.suspects) return `suspects it, for ${time(r.age)}`;
  if (!r.current) return 'speaks of an earlier state';
  if (r.about) return `testifies: ${r.sum > 0 ? 'it fails' : r.sum < 0 ? 'it works' : 'no calls yet'} (${r.sum.toFixed(1)}, ${count(r.calls, 'call')})`;
  return 'nothing';
}

// settings shows those of the instances that use it, the same ones together.
function settings(d) {
  const groups = new Map();
  for (const r of d.reports) {
    if (!r.active) continue;
    const is = JSON.stringify(r.settings);
    groups.set(is, [...(groups.get(is) ?? []), r.instance]);
  }
  if (!groups.size) return [el('p', { class: 'muted' }, 'No instance has reported its settings lately.')];
  const all = [...groups].map(([is, who]) => {
    const s = JSON.parse(is);
    return el('dl', {},
      groups.size > 1 && el('div', { class: 'whose' }, el('dt', {}, count(who.length, 'instance')), el('dd', { dir: 'auto' }, who.map(visible).join(', '))),
      el('div', {}, el('dt', {}, 'Opens at'), el('dd', {}, `${s.failures} failures of ${s.window} calls`)),
      el('div', {}, el('dt', {}, 'Cooldown'), el('dd', {}, s.cooldown < 1000 ? `${s.cooldown} ms` : time(s.cooldown))),
      el('div', {}, el('dt', {}, 'Closes at'), el('dd', {}, `${s.successes} successes of ${s.probes} probes`)));
  });
  if (groups.size > 1) all.unshift(el('p', { class: 'problem' }, 'The instances disagree. In the middle of a deployment that is as it should be.'));
  return all;
}

function probes(d) {
  return [el('ul', { class: 'probes' }, ...d.probes.map((x) => el('li', { 'data-look': { succeeded: 'closed', failed: 'open' }[x.result] ?? 'half-open' },
    el('span', { class: 'pill small' }, x.result), el('bdi', {}, x.holder ? visible(x.holder) : 'nobody'),
    x.result === 'pending' && x.left > 0 ? el('span', { class: 'muted' }, `${time(x.left)} left`) : ''))),
    d.lost ? el('p', { class: 'muted' }, `${count(d.lost, 'probe')} that nobody settled`) : ''];
}

// further asks for the history before what is there.
async function further() {
  const all = [...detail.history, ...older], asked = key;
  const is = await fetch(`api/history?key=${encodeURIComponent(key)}&before=${all.at(-1).id}`);
  if (!is.ok || key !== asked) return;
  const more = await is.json();
  late = more.length < 50;
  older.push(...more);
  fill();
  parts.more.hidden = late;
}

// done shows what an action has made, before the next sample does.
function done(is) {
  const known = store.circuits.get(key);
  if (is.deleted) store.circuits.delete(key);
  else if (is.is && known) {
    const { failures, outcomes, active, suspects, disagree } = known;
    Object.assign(known, { hold: undefined, note: undefined, by: undefined, until: undefined }, is.is, { failures, outcomes, active, suspects, disagree });
  }
  if (is.deleted) detail = null;
  live();
  load();
}

