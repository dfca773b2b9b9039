package highwaygrpc

import (
	"time"

	"github.com/highway-engine/highway"
)

// probeTimeout stands in for Settings.
func probeTimeout(*highway.CircuitProtector) time.Duration { return highway.DefaultProbeTimeout }
