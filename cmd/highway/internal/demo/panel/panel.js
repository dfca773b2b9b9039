// The demo's part of the page: what the servers do, and whose network is bad.

const el = (tag, attributes = {}, ...children) => {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  e.append(...children);
  return e;
};

const phases = [['healthy', 'well'], ['failing', 'fails'], ['slow', 'slow']];

export default async function panel(box, { act }) {
  document.head.append(el('link', { rel: 'stylesheet', href: 'panel/panel.css' }));
  box.setAttribute('aria-label', 'The demo’s servers');
  const servers = el('div', { class: 'demo-servers' }), instances = el('div', { class: 'demo-instances' });
  box.append(el('h2', {}, 'Break something'), servers,
    el('p', { class: 'muted' }, 'An instance with a bad network of its own opens alone:'), instances);

  async function ask(wish) {
    const is = await fetch('panel/state', wish && { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(wish) });
    if (is.ok) show(await is.json());
  }

  // show keeps the buttons that there are, so that the focus stays where it is.
  function show(state) {
    state.servers.forEach((s, i) => {
      const row = servers.children[i] ?? servers.appendChild(el('div', { role: 'group', 'aria-label': s.key }, el('span', {}, s.key),
        ...phases.map(([phase, word]) => button(word, { server: s.key, phase }))));
      phases.forEach(([phase], n) => row.children[n + 1].setAttribute('aria-pressed', String(s.phase === phase)));
      row.dataset.phase = s.phase;
    });
    state.instances.forEach((in_, i) => {
      const b = instances.children[i] ?? instances.appendChild(button(`${i + 1}`, {}));
      b.setAttribute('aria-pressed', String(in_.sick));
      b.setAttribute('aria-label', `Instance ${i + 1} is sick`);
      b.title = in_.name;
      b.wish = { instance: i + 1, sick: !in_.sick };
    });
  }

  function button(word, wish) {
    const b = el('button', { type: 'button' }, word);
    b.wish = wish;
    b.disabled = !act;
    b.addEventListener('click', () => ask(b.wish));
    return b;
  }

  await ask();
  setInterval(() => { if (!document.hidden) ask().catch(() => {}); }, 2000); // others may press too
}
