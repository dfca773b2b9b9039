package dashboard

import (
	"embed"
	"html/template"
	"net/http"
	"strings"
	"time"
)

// longestForm is how many bytes a login may have.
const longestForm = 4096

//go:embed page/login.html
var loginText embed.FS

// The one page that is a template, for what somebody has typed and the name of the house.
var loginPage = template.Must(template.ParseFS(loginText, "page/login.html"))

// login shows the form, and takes it.
func (d *Dashboard) login(w http.ResponseWriter, r *http.Request) {
	tokens := d.config.Access.tokens
	if tokens == nil {
		http.NotFound(w, r)
		return
	}
	show := func(status int, problem, name string) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		_ = loginPage.Execute(w, struct{ Title, Problem, Name string }{d.config.Title, problem, name})
	}
	if r.Method != http.MethodPost {
		if methods(w, r, http.MethodGet, http.MethodHead) {
			show(http.StatusOK, "", "")
		}
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, longestForm)
	if err := r.ParseForm(); err != nil {
		show(http.StatusBadRequest, "This form cannot be read.", "")
		return
	}
	token, name := strings.TrimSpace(r.PostForm.Get("token")), strings.TrimSpace(r.PostForm.Get("name"))
	if err := checkName(name); err != nil {
		show(http.StatusBadRequest, "Your name: "+err.Error()+".", "")
		return
	}
	if tokens.role(token) == nothing {
		show(http.StatusForbidden, "This token is not valid.", name)
		return
	}
	until := time.Now().Add(session)
	setCookie(w, r, tokens.seal(name, token, until), until)
	redirect(w, "./")
}

// logout has the browser forget who somebody was. A cookie that another has kept is good until
// its time is over, or the token is another: there is nothing here in which it could be struck
// off.
func (d *Dashboard) logout(w http.ResponseWriter, r *http.Request) {
	if !methods(w, r, http.MethodPost) {
		return
	}
	if d.config.Access.tokens != nil && len(r.CookiesNamed(cookieName(r))) > 0 {
		setCookie(w, r, "", time.Unix(1, 0))
	}
	redirect(w, "./")
}

// setCookie gives the browser a cookie, for the folder that it sees this page in: where that is
// only the browser knows.
func setCookie(w http.ResponseWriter, r *http.Request, value string, until time.Time) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName(r), Value: value, Expires: until, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		// Before a proxy that ends TLS the browser alone knows that there is some, and says so
		// with each form. Who lies about it harms nobody else.
		Secure: r.TLS != nil || strings.HasPrefix(r.Header.Get("Origin"), "https://"),
	})
}

// redirect leads elsewhere in this folder. Package http would make an absolute path of it,
// and this handler does not know where it is mounted.
func redirect(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}
