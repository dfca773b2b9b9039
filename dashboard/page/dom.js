// Elements are made here and nowhere else, and text gets into them as text: there is no way
// from a key or a reason to markup.

// el makes an element. Properties that begin with "on" are listeners, others attributes.
export function el(tag, properties = {}, ...children) {
  const e = document.createElement(tag);
  set(e, properties);
  e.append(...children.filter((c) => c !== null && c !== undefined && c !== false));
  return e;
}

// svg makes an element of a drawing.
export function svg(tag, properties = {}, ...children) {
  const e = document.createElementNS('http://www.w3.org/2000/svg', tag);
  set(e, properties);
  e.append(...children);
  return e;
}

function set(e, properties) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith('on')) e.addEventListener(name.slice(2), value);
    else e.setAttribute(name, value === true ? '' : value);
  }
}

// text writes only what has changed: a browser has more to do for each text than we have.
export function text(e, value) {
  if (e.firstChild?.nodeType === Node.TEXT_NODE && e.childNodes.length === 1) {
    if (e.firstChild.data !== value) e.firstChild.data = value;
  } else if (e.textContent !== value || e.childNodes.length > 1) {
    e.textContent = value;
  }
}

export function attribute(e, name, value) {
  if (value === null) {
    if (e.hasAttribute(name)) e.removeAttribute(name);
  } else if (e.getAttribute(name) !== value) {
    e.setAttribute(name, value);
  }
}

export const byId = (id) => document.getElementById(id);
