package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestFormats(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{ns(0), "0"}, {ns(0.4449), "0.445"}, {ns(3.954), "3.95"}, {ns(21.87), "21.9"}, {ns(121.7), "122"}, {ns(5904), "5904"},
		{allocs(14.0004), "14"}, {allocs(0.1), "0.10"}, {allocs(0.0000004), "0"},
		{ranged(spread{1.5, 1.25, 12.34}), "1.50× (1.25–12.3)"}, {ranged(spread{2, 2, 2}), "2.00×"},
	} {
		if c.got != c.want {
			t.Errorf("%s, not %s", c.got, c.want)
		}
	}
}

func TestFiguresOfLittle(t *testing.T) {
	text := figures(parsed(t, first))
	for _, want := range []string{
		"on 2025-01-02 with go1.25.0 on linux/amd64, Some CPU, GOMAXPROCS 2, 1 process.",
		"2 of 56 are met",
		"| highway.Call |      10.0 |        5.00 |                      2.00× |         0 |    0 |                   40.0× |    18.0× |",
		"| highway  |     10 |     1000 |     568 |    500 |      – |                0 |                 0.50× |",
		"| failsafe |     10 |     1000 |       – |    250 |      – |                3 |                 1.00× |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

func TestChartIsXMLWithEveryRow(t *testing.T) {
	rows := rowsOf(parsed(t, first))
	if len(rows) != 3 || !rows[0].heading || !rows[1].highway || rows[2].label != "failsafe-go" {
		t.Fatalf("the rows are %v", rows)
	}
	svg, err := chart(rows)
	if err != nil {
		t.Fatal(err)
	}
	for decoder := xml.NewDecoder(strings.NewReader(string(svg))); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"Retry around a breaker", "Highway Call", "400 / 90.0", "10 ns", "Arial"} {
		if !strings.Contains(string(svg), want) {
			t.Errorf("%q is not in the chart", want)
		}
	}
}
