// A link may bring a token after its #, which no server and no log sees. It leaves the address
// bar at once, for the history and for shoulders.
const brought = new URLSearchParams(location.hash.slice(1));
const form = document.getElementById('login');
const name = document.getElementById('name');
const keep = 'highway name';
try {
  name.value ||= brought.get('name') ?? localStorage.getItem(keep) ?? '';
} catch { /* a browser that keeps nothing */ }
form.addEventListener('submit', () => {
  try {
    localStorage.setItem(keep, name.value);
  } catch { /* the same */ }
});
if (brought.get('token')) {
  document.getElementById('token').value = brought.get('token');
  history.replaceState(null, '', location.pathname);
  if (name.value && !document.querySelector('.problem')) form.requestSubmit();
}
