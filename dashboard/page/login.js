// A link may bring a token after its #, which no server and no log sees. It leaves the address
// bar at once, for the history and for shoulders.
const token = new URLSearchParams(location.hash.slice(1)).get('token');
const field = document.getElementById('token');
const name = document.getElementById('name');
if (token) {
  field.value = token;
  history.replaceState(null, '', location.pathname);
}
try {
  name.value ||= localStorage.getItem('highway name') ?? '';
} catch { /* a browser that keeps nothing */ }
document.getElementById('login').addEventListener('submit', () => {
  try {
    localStorage.setItem('highway name', name.value);
  } catch { /* the same */ }
});
