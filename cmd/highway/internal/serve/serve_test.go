package serve

import (
	"slices"
	"testing"
)

func TestUnderWhichNamesItAnswers(t *testing.T) {
	for _, c := range []struct {
		listen string
		names  []string
		want   []string
	}{
		{"127.0.0.1:0", nil, []string{"127.0.0.1", "localhost", "::1"}},
		{"[::1]:80", nil, []string{"127.0.0.1", "localhost", "::1"}},
		{"127.8.8.8:80", []string{"Ops.example"}, []string{"ops.example", "127.0.0.1", "localhost", "::1", "127.8.8.8"}},
		{":8080", nil, nil},
		{"10.1.2.3:80", []string{"ops.example"}, []string{"ops.example"}},
	} {
		if got := (Options{Listen: c.listen, Names: c.names}).Hosts(); !slices.Equal(got, c.want) {
			t.Errorf("%s, %v: %v", c.listen, c.names, got)
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
