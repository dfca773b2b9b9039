package highwayhttp

import "net/http"

// A destination is what a log may say of a request. A path, a query or a user can be secret.
type destination struct{ method, host string }

func destinationOf(req *http.Request) destination {
	if req.URL == nil {
		return destination{}
	}
	return destination{req.Method, req.URL.Host}
}

// String is the beginning of an error's text, such as "GET to example.com: ".
func (d destination) String() string {
	if d.host == "" {
		return ""
	}
	method := d.method
	if method == "" {
		method = http.MethodGet
	}
	return method + " to " + d.host + ": "
}
