// Package highwayhttp puts circuit breakers and retries into net/http.
//
// A [Transport] is an [http.RoundTripper] with one circuit protector for each host that is
// called. [Middleware] answers for a server whose dependency is refused, and [Status] shows
// what protectors know. See docs/http.md for the tables of what counts and what is retried.
//
// Everything in this package is safe for concurrent use.
package highwayhttp
