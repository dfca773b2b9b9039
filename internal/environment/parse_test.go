package environment

import (
	"maps"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	lookup := func(name string) (string, bool) { return "from the environment", name == "OUTSIDE" }
	for _, c := range []struct {
		name, text string
		want       map[string]string
	}{
		{"nothing", "", nil},
		{"plain", "A=1\nB=2", map[string]string{"A": "1", "B": "2"}},
		{"the last counts", "A=1\nA=2\n", map[string]string{"A": "2"}},
		{"comments and blank lines", "# A=1\n\n  # B=2\nC=3 # not this\nD=4#this\nE=# not this\nF= # nor this\n",
			map[string]string{"C": "3", "D": "4#this", "E": "# not this", "F": ""}},
		{"spaces", "  export  A = a b \t\n", map[string]string{"A": "a b"}},
		{"a name in quotes", "'A'=1\n", map[string]string{"A": "1"}},
		{"Windows", "\ufeffA=1\r\nB=\"2\"\r\n", map[string]string{"A": "1", "B": "2"}},
		{"equal signs", "A=b=c=\n", map[string]string{"A": "b=c="}},
		{"dollars", "A=pa$WORD$\nB=\"$1\"\nC='${A}'\n", map[string]string{"A": "pa$WORD$", "B": "$1", "C": "${A}"}},
		{"braces", "A=1\nB=x${A}y\nC=\"${NONE:-z}${NONE}\"\nD=${OUTSIDE}\nOUTSIDE=no\n", map[string]string{
			"A": "1", "B": "x1y", "C": "z", "D": "from the environment", "OUTSIDE": "no"}},
		{"braces that are none", "A=1\nB=x${A\nC=}${A}{${:-y}\n", map[string]string{"A": "1", "B": "x${A", "C": "}1{y"}},
		{"a name that begins like export", "exported=1\n", map[string]string{"exported": "1"}},
		{"backslashes", `A=\n\` + "\n" + `B='\n\\\''` + "\n" + `C="\n\\\"\'\q"` + "\n" + `D="\\"` + "\n" + `E='"'`,
			map[string]string{"A": `\n\`, "B": `\n\'`, "C": "\n\\\"'\\q", "D": `\`, "E": `"`}},
		{"lines in quotes", "A='1\n2' # end\nB=3\n", map[string]string{"A": "1\n2", "B": "3"}},
		{"a quote inside", "A=it's\nB=x\"y\"\n", map[string]string{"A": "it's", "B": `x"y"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parse(c.text, lookup)
			if err != nil {
				t.Fatal(err)
			}
			if !maps.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestParseNamesTheLineAndNotWhatIsInIt(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"A=1\n\nsecret\nB=2\n", "line 3: there is no ="},
		{"A='1\n2'\nB=\"secret\nC=2\nsecret\n", "line 3: the quotes are not closed"},
		{"my secret=1\n", "line 1: the name is not one"},
		{"=secret\n", "line 1: the name is not one"},
		{"A='x'secret\nB=2", "line 1: something follows the closing quotes"},
	} {
		got, err := parse(c.text, func(string) (string, bool) { return "", false })
		if err == nil || err.Error() != c.want {
			t.Errorf("%q: got %v, want %s", c.text, err, c.want)
		}
		if strings.Contains(c.text, "B=2") && got["B"] != "2" {
			t.Errorf("%q: the lines after it are lost", c.text)
		}
	}
}

// FuzzParse: no file makes it fail otherwise than by an error, and what is written as
// this library documents is read as it was.
func FuzzParse(f *testing.F) {
	f.Add(`it's a "p\w`, "A='x\n")
	f.Fuzz(func(t *testing.T, value, rest string) {
		if _, err := parse(rest, func(string) (string, bool) { return "", false }); err != nil {
			if strings.ContainsAny(err.Error(), "\n") {
				t.Errorf("%q is quoted", err)
			}
		}
		if strings.Contains(value, "\r\n") {
			return // a line's end, and nothing else, is read as on Unix
		}
		text := "A='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'\n" + rest
		got, _ := parse(text, func(string) (string, bool) { return "", false })
		later, _ := parse(rest, func(string) (string, bool) { return "", false })
		if _, again := later["A"]; !again && got["A"] != value {
			t.Errorf("%q is read as %q", value, got["A"])
		}
	})
}
