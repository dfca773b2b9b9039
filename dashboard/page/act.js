import { el, text, byId } from './dom.js';
import { store } from './live.js';
import { visible, status, why, count } from './words.js';

// What a person can do, each time after being asked whether and why.

export const actions = [
  { name: 'open', word: 'Open for …', verb: 'Open', look: 'danger', hint: 'Refuse all calls for a time, then let it probe', says: 'Every instance refuses its calls for as long as you say. Then it probes.' },
  { name: 'close', word: 'Close', verb: 'Close', look: '', hint: 'Let all calls through, with empty windows', says: 'Every instance lets its calls through, with empty windows. It opens again if they fail.' },
  { name: 'half-open', word: 'Half-open', verb: 'Half-open', look: '', hint: 'Let it probe now', says: 'The fleet probes now; what comes of it decides.' },
  { name: 'isolate', word: 'Isolate', verb: 'Isolate', look: 'danger', hint: 'Refuse all calls until released', says: 'Every instance refuses its calls until somebody gives another order.' },
  { name: 'disable', word: 'Disable', verb: 'Disable', look: 'danger', hint: 'Let all calls through until released', says: 'Every instance lets its calls through, however they fail, until somebody gives another order.' },
  { name: 'release', word: 'Release', verb: 'Release', look: '', hint: 'End what was ordered, and let it probe', says: 'What was ordered ends, and the fleet probes.' },
  { name: 'delete', word: 'Delete', verb: 'Delete', look: 'danger', hint: 'Remove it; an instance that uses it makes it again', says: 'It is removed with all that is known of it but its history. Instances that use it make it again, closed.' },
];

const times = ['30s', '1m', '5m', '30m', '2h'];
const dialog = byId('dialog');
dialog.addEventListener('click', (e) => { if (e.target === dialog) dialog.close(); });

// ask asks, does it, and tells done of what came of it.
export function ask(action, circuit, done) {
  if (!circuit) return;
  let seen = circuit.seen;
  const problem = el('p', { class: 'problem', role: 'alert', hidden: true });
  const reason = el('input', { name: 'reason', id: 'reason', required: true, maxlength: '900', autocomplete: 'off' });
  const length = el('input', { name: 'for', id: 'for', required: true, value: '5m', size: '8', autocomplete: 'off', spellcheck: 'false' });
  const go = el('button', { class: action.look === 'danger' ? 'main danger' : 'main' }, action.verb);
  const state = el('p', { class: 'muted' });
  const say = (c) => text(state, `It is ${status(c).word.toLowerCase()} now, because ${why(c.reason, c.by)}. ${count(circuit.active, 'instance uses', 'instances use')} it.`);
  say(circuit);
  const form = el('form', { onsubmit: send },
    el('h2', { id: 'dialog-head' }, `${action.verb} `, el('bdi', { class: 'key' }, visible(circuit.key)), '?'),
    el('p', {}, action.says), state,
    action.name === 'open' && el('div', { class: 'for' }, el('label', {}, 'For how long', length),
      el('div', { class: 'times' }, ...times.map((t) => el('button', { type: 'button', onclick: () => { length.value = t; } }, t)))),
    el('label', {}, el('span', {}, 'Reason ', el('small', {}, 'kept in the history, with your name')), reason),
    problem,
    el('div', { class: 'buttons' }, el('button', { type: 'button', class: 'quiet', onclick: () => dialog.close() }, 'Cancel'), go));
  dialog.replaceChildren(form);
  dialog.showModal();
  (action.name === 'open' ? length : reason).focus();
  length.select();

  const complain = (what) => { problem.hidden = false; text(problem, what); };

  async function send(e) {
    e.preventDefault();
    go.disabled = true;
    problem.hidden = true;
    const order = { key: circuit.key, action: action.name, reason: reason.value, seen };
    if (action.name === 'open') order.for = length.value.trim();
    try {
      const answer = await fetch('api/act', {
        method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(order), signal: AbortSignal.timeout(15000),
      });
      const is = await answer.json();
      if (answer.ok) {
        dialog.close();
        text(byId('said'), is.changed ? `Done: ${action.verb} ${visible(circuit.key)}` : 'There was nothing to do.');
        done(is);
        return;
      }
      if (is.kind === 'overtaken') overtaken(is);
      else if (is.kind === 'unknown') complain(`It may have been done, or not: ${is.error}. Look before you try again.`);
      else if (is.fields?.length) complain(is.fields.map((f) => `${f.field}: ${f.rule}.`).join(' '));
      else complain(`It was not done: ${is.error}.`);
    } catch {
      complain(store.since ? 'The connection is lost. It may have been done, or not: look before you try again.' : 'There was no answer. It may have been done, or not: look before you try again.');
    } finally {
      go.disabled = false;
    }
  }

  // Somebody was faster: the person sees what is there now, and says it again or does not.
  function overtaken(is) {
    if (!is.is) {
      complain('Somebody was faster: it has been deleted. Nothing was done.');
      return;
    }
    say(is.is);
    complain(`Somebody was faster: it has changed since you looked, and nothing was done. ${action.verb} it all the same?`);
    seen = is.is.seen;
    text(go, `${action.verb} all the same`);
  }
}
