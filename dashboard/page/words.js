// What things are called.

// visible makes text from hostile hands show as what it is: what has no shape gets one, and
// what would turn the direction of writing is spelled out.
export function visible(s) {
  if (s.startsWith('\0')) return 'bytes ' + s.slice(1);
  return s.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (c) => {
    const code = c.codePointAt(0);
    if (c === '\u200d') return c; // joins emoji
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    if (code === 0x7f) return '\u2421';
    return `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
  });
}

// status is what calls meet: a person's order, or else the state.
export function status(c) {
  switch (c.hold) {
    case 'open': return { look: 'open', word: 'Held open', trouble: 1 };
    case 'isolated': return { look: 'isolated', word: 'Isolated', trouble: 1 };
    case 'disabled': return { look: 'disabled', word: 'Disabled', trouble: 3 };
  }
  switch (c.state) {
    case 'open': return { look: 'open', word: 'Open', trouble: 0 };
    case 'half-open': return { look: 'half-open', word: 'Half-open', trouble: 2 };
    default: return { look: 'closed', word: 'Closed', trouble: c.suspects ? 4 : 5 };
  }
}

export const stateWord = (state) => ({ open: 'Open', 'half-open': 'Half-open', closed: 'Closed' })[state] ?? 'Unknown';

// why is the reason of a state, as the end of a sentence.
export function why(reason, by) {
  const who = by ? visible(by) : 'somebody';
  return {
    untouched: 'nothing has happened to it yet',
    testified: 'the instances saw it fail',
    'cooldown over': 'its cooldown is over',
    'probes succeeded': 'its probes succeeded',
    'probes failed': 'its probes failed',
    commanded: `${who} said so`,
    'hold over': 'the time it was held is over',
    foreign: `a program that is no instance (${who}) has written it`,
    mended: 'its row made no sense and was put right',
  }[reason] ?? 'of a reason that this page does not know';
}

// time is a length of time, as short as can be read at a glance.
export function time(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return `${s} s`;
  const m = Math.floor(s / 60);
  if (m < 60) return s % 60 ? `${m} min ${String(s % 60).padStart(2, '0')} s` : `${m} min`;
  const h = Math.floor(m / 60);
  if (h < 48) return `${h} h ${m % 60} min`;
  return `${Math.floor(h / 24)} d ${h % 24} h`;
}

export const clock = (ms) => new Date(ms).toLocaleTimeString([], { hour12: false });

export function date(ms) {
  const d = new Date(ms);
  return d.toDateString() === new Date().toDateString() ? clock(ms) : `${d.toLocaleDateString()} ${clock(ms)}`;
}

// deadline is what happens next by itself, or an empty text.
export function deadline(c, now) {
  const left = c.until ? c.until - now : 0;
  if (c.hold === 'open') return left > 0 ? `held for ${time(left)} more` : 'about to be let go';
  if (c.hold) return 'until released';
  if (c.state === 'open') return left > 0 ? `probes in ${time(left)}` : 'about to probe';
  if (c.state === 'half-open') return 'probing';
  return '';
}

export const percent = (c) => (c.outcomes ? `${Math.round((100 * c.failures) / c.outcomes)} %` : '–');

export const count = (n, one, many = `${one}s`) => `${n.toLocaleString('en')} ${n === 1 ? one : many}`;

// happened is what a transition was: two words or three.
export function happened(t) {
  if (!t.from) return 'made';
  if (!t.to) return 'deleted';
  return status({ state: t.to, hold: t.hold }).word;
}

// evidence is on what a transition was decided, as a few short sentences.
export function evidence(t) {
  const e = t.evidence, all = [];
  if (t.reason === 'testified') {
    if (e.suspects?.length) all.push(`${count(e.suspects.length, 'suspect')}: ${e.suspects.map(visible).join(', ')}`);
    if (e.witnesses) all.push(`${count(e.witnesses, 'witness', 'witnesses')} with ${count(e.calls, 'call')}, testimony ${e.testimony.toFixed(1)}`);
    else all.push('the first trip sufficed');
  }
  if (e.succeeded + e.failed + e.pending + e.lost > 0) {
    all.push([`probes: ${e.succeeded} succeeded, ${e.failed} failed`, e.pending && `${e.pending} pending`, e.lost && `${e.lost} lost`].filter(Boolean).join(', '));
  }
  if (e.instances) all.push(`${count(e.instances, 'instance')} active, ${e.refusing} of them refusing calls`);
  if (e.outcomes) all.push(`${e.failures} of ${count(e.outcomes, 'call')} in the windows had failed`);
  return all;
}
