package metrics

import "github.com/highway-engine/highway"

// ObserveStorages tells of each request to the storages, in seconds, until stop is called.
func ObserveStorages(storages []highway.Storage, observe func(operation, outcome string, seconds float64)) (stop func()) {
	var stops []func()
	for _, s := range storages {
		stops = append(stops, highway.ObserveStorage(s, func(r highway.StorageRequest) {
			outcome := Success
			if r.Err != nil {
				outcome = Failure
			}
			observe(r.Operation, outcome, r.Took.Seconds())
		}))
	}
	return func() {
		for _, stop := range stops {
			stop()
		}
	}
}
