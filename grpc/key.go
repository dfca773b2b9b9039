package highwaygrpc

import "strings"

// KeyByService names one breaker for each service of each target, as
// "payments.example.com:443/pkg.Service". Of a target with the scheme dns or passthrough, or
// with none, it takes the address, which is written as given, but in lower case; any other
// target it takes whole.
func KeyByService(target, fullMethod string) string {
	service := fullMethod
	if slash := strings.LastIndexByte(service, '/'); slash > 0 {
		service = service[:slash]
	}
	return address(target) + "/" + strings.TrimPrefix(service, "/")
}

// KeyByMethod names one breaker for each method of each target, as
// "payments.example.com:443/pkg.Service/Method". Methods that fail alone do not stop the
// others then, and each needs its own failures to be found out. The target is taken as
// [KeyByService] does.
func KeyByMethod(target, fullMethod string) string {
	return address(target) + "/" + strings.TrimPrefix(fullMethod, "/")
}

// address is what a target leads to: the same for all ways of writing it.
func address(target string) string {
	for _, scheme := range []string{"dns:", "passthrough:"} {
		if rest, ok := strings.CutPrefix(target, scheme); ok {
			if server, ok := strings.CutPrefix(rest, "//"); ok { // of names, not the one that is called
				_, rest, _ = strings.Cut(server, "/")
			}
			return strings.ToLower(rest)
		}
	}
	if strings.Contains(target, ":/") || strings.HasPrefix(target, "unix") { // another scheme
		return target
	}
	return strings.ToLower(target)
}
