package highwayhttp

import (
	"net/http"
	"strings"
)

// KeyByHost is the host of the request's URL in lower case, with the port unless that is
// the one of the scheme: "api.example.com", "localhost:8080", "[::1]:8080". It is empty for
// a request without a host, which cannot be sent anyway. It allocates nothing for a URL
// that is written like this.
func KeyByHost(req *http.Request) string {
	if req.URL == nil {
		return ""
	}
	host := req.URL.Host
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		switch port := host[i:]; {
		case port == ":",
			port == ":80" && (strings.EqualFold(req.URL.Scheme, "http")),
			port == ":443" && strings.EqualFold(req.URL.Scheme, "https"):
			host = host[:i]
		}
	}
	return strings.ToLower(host)
}
