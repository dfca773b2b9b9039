// Package registry keeps circuit protectors by key: one for each host, tenant or table, all
// made from one template, on first use.
//
// It is bounded, forgets what nobody uses, and its template can be changed while the
// protectors work. docs/registry.md is the guide.
package registry
