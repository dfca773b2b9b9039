package markdown

import "testing"

func TestTableIsAligned(t *testing.T) {
	table := Table{Head: []string{"of", "ns", "verdict"}, Text: map[int]bool{2: true}}
	table.Add("gobreaker", "133", "met")
	table.Add("Δ", "–", "")
	want := `
| of        |  ns | verdict |
|-----------|----:|---------|
| gobreaker | 133 | met     |
| Δ         |   – |         |
`
	if got := "\n" + table.String(); got != want {
		t.Errorf("got%s", got)
	}
}

func TestInsert(t *testing.T) {
	got, err := Insert("a\n<!-- figures:begin -->\nold\n<!-- figures:end -->\nz\n", Figures, "new\n")
	if want := "a\n<!-- figures:begin -->\n\nnew\n\n<!-- figures:end -->\nz\n"; got != want || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if again, _ := Insert(got, Figures, "new"); again != got {
		t.Errorf("the second time %q", again)
	}
	for _, document := range []string{"", "<!-- figures:begin -->", "<!-- figures:end --><!-- figures:begin -->", "<!-- fleet:begin --><!-- fleet:end -->"} {
		if _, err := Insert(document, Figures, "new"); err == nil {
			t.Errorf("%q: no error", document)
		}
	}
}
