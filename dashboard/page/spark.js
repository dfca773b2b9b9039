import { svg, attribute } from './dom.js';

// Failure rates over time, as a line. A past is a ring of levels: -1 where there was no call.

const letters = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const most = letters.length - 1;

// read is a past as the server sends it, put into a ring that ends at slot.
export function read(text, slot) {
  const past = new Int8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    past[(slot + 1 + i) % text.length] = letters.indexOf(text[i]);
  }
  return past;
}

export const level = (c) => (c.outcomes ? Math.floor((Math.min(Math.max(c.failures, 0), c.outcomes) * most) / c.outcomes) : -1);

// spark makes the drawing, without anything in it.
export function spark(width, height) {
  return svg('svg', { class: 'spark', viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    svg('path', { class: 'area' }), svg('path', { class: 'line' }));
}

// draw draws a past that ends at slot.
export function draw(drawing, past, slot, width, height) {
  let line = '', area = '', open = false, last = 0;
  const n = past.length, x = (i) => ((i * width) / (n - 1)).toFixed(1);
  const y = (l) => (height - 1.5 - (l * (height - 3)) / most).toFixed(1);
  for (let i = 0; i < n; i++) {
    const l = past[(slot + 1 + i) % n];
    if (l < 0) {
      if (open) area += `V${height}Z`;
      open = false;
      continue;
    }
    if (open) {
      line += `L${x(i)} ${y(l)}`;
      area += `L${x(i)} ${y(l)}`;
    } else {
      line += `M${x(i)} ${y(l)}`;
      area += `M${x(i)} ${height}V${y(l)}`;
    }
    open = true;
    last = i;
  }
  if (open) area += `L${x(last)} ${height}Z`;
  attribute(drawing.children[0], 'd', area);
  attribute(drawing.children[1], 'd', line);
}
