package dashboard

import (
	"embed"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// A Dashboard serves the page and what it shows. It comes from [New], and ends with Close. It
// is safe for concurrent use.
//
// It can be mounted anywhere: at the root of a server, or under a prefix of which
// [http.StripPrefix] leaves the slash at its end.
type Dashboard struct {
	config  Config
	sampler *sampler
	details *details
	origins *http.CrossOriginProtection
}

// New makes a Dashboard. An error says all that is wrong with the config, as an
// [InvalidConfigError] for each field. It waits for nothing: a ledger that does not answer
// shows on the page.
func New(config Config) (*Dashboard, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	config = config.withDefaults()
	d := &Dashboard{
		config:  config,
		sampler: newSampler(config.Ledger, config.Every),
		details: newDetails(config.Ledger, config.Every/2),
		origins: http.NewCrossOriginProtection(),
	}
	go d.sampler.run()
	return d, nil
}

// Close ends what the Dashboard has started, and what browsers listen to. Close again does
// nothing. The page says to them that it is no more live.
func (d *Dashboard) Close() error {
	d.sampler.close()
	return nil
}

//go:embed page
var page embed.FS

// policy lets the page use what comes with it, and nothing else: no script or style that is
// written into it, no frame around it, and no text that becomes markup.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// slowestBody is how long the body of a request may take to come: one that drips would keep a
// connection for good.
const slowestBody = 10 * time.Second

// ServeHTTP implements [http.Handler].
func (d *Dashboard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY") // for browsers that know no frame-ancestors
	// With "no-referrer" browsers would say "null" for where the forms come from. A token is
	// after the #, which no referrer has.
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Cache-Control", "no-store")
	if r.Body != nil && r.Body != http.NoBody {
		// Also what nobody reads here is read by the server before its answer has gone.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(slowestBody))
	}
	if !d.hosted(w, r) {
		return
	}
	if err := d.origins.Check(r); err != nil {
		fail(w, http.StatusForbidden, "another site has sent this request: "+err.Error())
		return
	}
	name := strings.TrimPrefix(r.URL.Path, "/")
	if r.URL.Path == "" {
		// The prefix without its slash: what the page links to would be looked for beside it.
		sent, _, _ := strings.Cut(r.RequestURI, "?")
		redirect(w, "./"+path.Base(sent)+"/")
		return
	}
	switch {
	case name == "":
		d.index(w, r)
	case name == "login":
		d.login(w, r)
	case name == "logout":
		d.logout(w, r)
	case strings.HasPrefix(name, "api/"):
		d.api(w, r, strings.TrimPrefix(name, "api/"))
	case strings.HasPrefix(name, "panel/") && d.config.Panel != nil:
		d.panel(w, r)
	default:
		asset(w, r, name)
	}
}

// index is the page itself. Who may not look is led to the form, if there is one.
func (d *Dashboard) index(w http.ResponseWriter, r *http.Request) {
	if !methods(w, r, http.MethodGet, http.MethodHead) {
		return
	}
	if _, err := d.config.Access.Read(r); err != nil {
		if d.config.Access.tokens != nil {
			redirect(w, "login") // what is after the # goes along
			return
		}
		http.Error(w, "You may not look at this: "+err.Error(), http.StatusForbidden)
		return
	}
	asset(w, r, "index.html")
}

// asset serves a file that comes with the page. There is no secret in these, and the form
// needs some of them.
func asset(w http.ResponseWriter, r *http.Request, name string) {
	text, err := page.ReadFile("page/" + name)
	if err != nil || name == "login.html" {
		http.Error(w, "There is no such page.", http.StatusNotFound)
		return
	}
	if !methods(w, r, http.MethodGet, http.MethodHead) {
		return
	}
	kind := mime.TypeByExtension(path.Ext(name))
	if path.Ext(name) == ".js" { // some systems know another type for it, which browsers refuse
		kind = "text/javascript; charset=utf-8"
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(text)
}

// panel serves what whoever mounts this has added.
func (d *Dashboard) panel(w http.ResponseWriter, r *http.Request) {
	may := d.config.Access.act
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		may = d.config.Access.Read
	}
	if _, err := may(r); err != nil {
		fail(w, http.StatusForbidden, err.Error())
		return
	}
	http.StripPrefix("/panel", d.config.Panel).ServeHTTP(w, r)
}

// api is what the page asks for, and what it sends.
func (d *Dashboard) api(w http.ResponseWriter, r *http.Request, name string) {
	handlers := map[string]http.HandlerFunc{
		"me": d.me, "events": d.events, "circuit": d.circuit, "history": d.history, "act": d.act,
	}
	handler, known := handlers[name]
	if !known {
		fail(w, http.StatusNotFound, "there is no such page")
		return
	}
	if _, err := d.config.Access.Read(r); err != nil {
		fail(w, http.StatusUnauthorized, err.Error())
		return
	}
	allowed := []string{http.MethodGet, http.MethodHead}
	if name == "act" {
		allowed = []string{http.MethodPost}
	}
	if methods(w, r, allowed...) {
		handler(w, r)
	}
}

// me says who somebody is, and what the page has for that person.
func (d *Dashboard) me(w http.ResponseWriter, r *http.Request) {
	who, _ := d.config.Access.Read(r)
	is := struct {
		Title  string `json:"title"`
		Who    string `json:"who"`
		Act    bool   `json:"act"`
		WhyNot string `json:"why_not,omitempty"` // no buttons
		Panel  bool   `json:"panel"`
		Logout bool   `json:"logout"`
		Full   string `json:"full,omitempty"` // why nobody else gets the stream
	}{Title: d.config.Title, Who: who, Panel: d.config.Panel != nil, Logout: d.config.Access.tokens != nil && r.Header.Get("Authorization") == ""}
	if name, err := d.config.Access.act(r); err != nil {
		is.WhyNot = err.Error()
	} else {
		is.Act, is.Who = true, name
	}
	if err := d.sampler.full(); err != nil {
		is.Full = err.Error()
	}
	answer(w, http.StatusOK, is)
}

// methods says whether a request has one of these, and answers if not.
func methods(w http.ResponseWriter, r *http.Request, allowed ...string) bool {
	if slices.Contains(allowed, r.Method) {
		return true
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	http.Error(w, fmt.Sprintf("%.20s is not for this: %s is.", r.Method, strings.Join(allowed, " or ")), http.StatusMethodNotAllowed)
	return false
}

// answer sends JSON.
func answer(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // there is nothing in these that cannot be written
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}

// fail sends what is wrong, as JSON.
func fail(w http.ResponseWriter, status int, why string) {
	answer(w, status, failure{Error: why})
}

// A failure is what is wrong with a request.
type failure struct {
	Error  string       `json:"error"`
	Kind   string       `json:"kind,omitempty"` // of an action: "overtaken", "not done", "unknown", "no circuit"
	Fields []problem    `json:"fields,omitempty"`
	Is     *circuitJSON `json:"is,omitempty"` // what overtook
}

// A problem is what is wrong with one field.
type problem struct {
	Field string `json:"field"`
	Value string `json:"value"`
	Rule  string `json:"rule"`
}
