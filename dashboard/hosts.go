package dashboard

import (
	"net"
	"net/http"
	"slices"
	"strings"
)

// hosted says whether a request is for one of the names that this is served under, and answers
// if not. A site whose name leads here is by its Origin the same as this one.
func (d *Dashboard) hosted(w http.ResponseWriter, r *http.Request) bool {
	if len(d.config.Hosts) == 0 || slices.Contains(d.config.Hosts, hostOf(r.Host)) {
		return true
	}
	fail(w, http.StatusMisdirectedRequest, "this dashboard is not served under this name: it is for "+strings.Join(d.config.Hosts, ", "))
	return false
}

// hostOf is the name in what a request is for, as it is compared: without the port, without the
// brackets of an address and without the dot at the end of a name.
func hostOf(at string) string {
	host := at
	if name, _, err := net.SplitHostPort(at); err == nil {
		host = name
	} else if name, ok := strings.CutPrefix(at, "["); ok {
		host = strings.TrimSuffix(name, "]")
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
