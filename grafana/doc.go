// Package grafana holds highway.json, a dashboard for the metrics of this library, and the
// tests that run its queries. Import the file in Grafana, or provision it.
package grafana
