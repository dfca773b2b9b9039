package grafana
import (
 _ "github.com/prometheus/prometheus/promql/parser"
 _ "github.com/prometheus/prometheus/promql"
 _ "github.com/highway-engine/highway/prometheus"
)
