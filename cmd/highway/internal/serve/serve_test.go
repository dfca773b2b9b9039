package serve

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestWhichNamesAreLoopback(t *testing.T) {
	h := OnlyLoopback(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for host, want := range map[string]int{
		"127.0.0.1": 200, "127.0.0.1:80": 200, "localhost:80": 200, "[::1]:80": 200, "[::1]": 200, "127.8.8.8:1": 200,
		"evil.example": 421, "evil.example:80": 421, "127.0.0.1.evil.example": 421, "localhost.evil.example:80": 421, "": 421, "10.0.0.1": 421, "0.0.0.0": 421,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != want {
			t.Errorf("%q: %d, want %d", host, w.Code, want)
		}
	}
}

func TestAnAddressThatOthersReachNeedsMore(t *testing.T) {
	for listen, alone := range map[string]bool{
		"127.0.0.1:0": true, "localhost:8080": true, "[::1]:0": true, ":8080": false, "0.0.0.0:1": false, "10.1.2.3:1": false, "example.com:1": false,
	} {
		if err := (Options{Listen: listen}).Check(false); (err == nil) != alone {
			t.Errorf("%s: %v", listen, err)
		}
		for _, err := range []error{(Options{Listen: listen}).Check(true), (Options{Listen: listen, Certificate: "c", Key: "k"}).Check(false)} {
			if err != nil {
				t.Errorf("%s: %v", listen, err)
			}
		}
	}
	for _, wrong := range []Options{{Listen: "127.0.0.1"}, {Listen: ""}, {Listen: ":1", Certificate: "c"}, {Listen: ":1", Key: "k"}} {
		if wrong.Check(true) == nil {
			t.Errorf("%+v", wrong)
		}
	}
}
