import { text, attribute, byId } from './dom.js';
import { store, listen, connect } from './live.js';
import * as list from './list.js';
import * as timeline from './timeline.js';
import * as breaker from './breaker.js';
import { visible, status, time, date, count } from './words.js';

// What joins the parts: who is here, where in the page, what the keyboard does, what is said.

let me = { title: 'Highway', act: false, panel: false };

// A link may bring a token, also to who is logged in already. It leaves the address bar and the
// history at once, before anything is waited for; the form logs in with it.
function brought() {
  const all = location.hash.slice(1);
  if (all.startsWith('/') || !new URLSearchParams(all).get('token')) return '';
  history.replaceState(null, '', location.pathname + location.search);
  return all;
}

const logIn = (token) => location.replace('login#' + token);

async function begin() {
  const token = brought();
  try {
    const is = await fetch('api/me');
    if (is.status === 401) return token ? logIn(token) : location.reload();
    me = await is.json();
  } catch { /* the stream will say that nothing is there */ }
  if (token && me.logout) return logIn(token); // where there is a form
  text(byId('title'), me.title);
  text(byId('who'), me.who ? `${visible(me.who)}${me.act ? '' : ', looking'}` : me.act ? '' : 'looking');
  byId('logout').hidden = !me.logout;
  list.begin();
  listen(heard);
  route();
  connect();
  setInterval(() => { list.ticks(); breaker.ticks(); }, 250);
  if (me.panel) {
    const { default: panel } = await import('./panel/panel.js');
    byId('panel').hidden = false;
    panel(byId('panel'), { act: me.act });
  }
}

// heard shows what the stream has brought.
function heard(kind, data) {
  live();
  if (kind === 'live') return;
  text(byId('fleet'), `${count(store.instances, 'instance')}, ${count(store.circuits.size, 'breaker')}`);
  text(byId('span'), time(store.every * store.slots));
  list.refresh();
  timeline.refresh();
  breaker.live();
  if (breaker.shown()) breaker.load();
  if (kind === 'sample') say(data);
}

// live says whether this is so, and if not since when.
function live() {
  const lost = store.since > 0;
  document.body.classList.toggle('lost', lost);
  attribute(byId('live'), 'data-live', String(!store.why));
  text(byId('live-text'), lost ? `Not live since ${date(store.since)}` : store.why ? 'connecting' : 'Live');
  byId('stale').hidden = !lost;
  text(byId('stale'), lost ? `Not live since ${date(store.since)}: ${visible(store.why)}. What you see is from then; it goes on by itself when it can.` : '');
}

// say tells those who listen to the page what has changed, without telling everything.
function say({ circuits = [], before }) {
  const all = circuits.filter((c) => {
    const old = before.get(c.key);
    return old && status(old).word !== status(c).word;
  });
  if (!all.length) return;
  text(byId('said'), all.length <= 3 ? all.map((c) => `${visible(c.key)} is ${status(c).word.toLowerCase()}`).join('. ') : `${all.length} breakers have changed.`);
}

// route shows what the address says.
function route() {
  const [, key] = location.hash.match(/^#\/breaker\/(.+)$/) ?? [];
  const home = key === undefined;
  byId('home').hidden = !home;
  byId('breaker').hidden = home;
  if (home) {
    const was = breaker.shown();
    breaker.leave();
    document.title = me.title;
    if (was) {
      list.leaveTo(was);
      list.refresh();
      list.focus();
    }
    list.soon();
    return;
  }
  let is = key;
  try {
    is = decodeURIComponent(key);
  } catch { /* somebody has typed it */ }
  document.title = `${visible(is)} – ${me.title}`;
  breaker.show(is, me);
}

addEventListener('hashchange', () => {
  const token = brought();
  if (token && me.logout) logIn(token);
  else route();
});

byId('skip').addEventListener('click', (e) => {
  e.preventDefault();
  if (breaker.shown()) byId('breaker').focus();
  else list.focus();
});

addEventListener('keydown', (e) => {
  if (e.altKey || e.ctrlKey || e.metaKey || byId('dialog').open) return;
  const search = byId('search'), typing = e.target.matches('input, textarea, select');
  if (e.key === '/' && !typing) {
    e.preventDefault();
    if (breaker.shown()) location.hash = '#/';
    requestAnimationFrame(() => { search.focus(); search.select(); });
  } else if (e.key === 'Escape' && e.target === search) {
    e.preventDefault();
    if (search.value) {
      search.value = '';
      search.dispatchEvent(new Event('input'));
    } else list.focus();
  } else if ((e.key === 'ArrowDown' || e.key === 'Enter') && e.target === search) {
    e.preventDefault();
    list.focus();
  } else if (e.key === 'Escape' && !typing && breaker.shown()) {
    location.hash = '#/';
  } else if ((e.key === 'ArrowDown' || e.key === 'ArrowUp') && e.target === document.body && !breaker.shown()) {
    e.preventDefault();
    list.focus();
  }
});

begin();
