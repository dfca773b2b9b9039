package environment

import (
	"errors"
	"fmt"
	"strings"
)

// parse reads a file of variables as Python's dotenv does, because programs in both
// languages may share one. A dollar sign is a dollar sign unless it begins ${NAME} or
// ${NAME:-default}, outside single quotes; passwords have dollar signs. Names in braces
// are those of lookup, and then those further up in the file.
//
// A line that makes no sense is skipped. The error is about the first of them, and does
// not quote it: it may hold a password.
func parse(text string, lookup func(name string) (string, bool)) (map[string]string, error) {
	values := map[string]string{}
	var first error
	text = strings.TrimPrefix(text, "\ufeff")
	text = strings.ReplaceAll(text, "\r\n", "\n")
	line := 1
	for text != "" {
		name, value, rest, err := statement(text, func(name string) string {
			if value, ok := lookup(name); ok {
				return value
			}
			return values[name]
		})
		if err != nil {
			if first == nil {
				first = fmt.Errorf("line %d: %w", line, err)
			}
			_, rest, _ = strings.Cut(text, "\n")
		} else if name != "" {
			values[name] = value
		}
		line += strings.Count(text[:len(text)-len(rest)], "\n")
		text = rest
	}
	return values, first
}

// What is wrong with a line.
var (
	errNoEqual  = errors.New("there is no =")
	errName     = errors.New("the name is not one")
	errQuotes   = errors.New("the quotes are not closed")
	errTrailing = errors.New("something follows the closing quotes")
)

// statement reads what text begins with: a variable, or a line without one, which gives
// an empty name.
func statement(text string, lookup func(name string) string) (name, value, rest string, err error) {
	line, rest, _ := strings.Cut(text, "\n")
	if s := strings.TrimSpace(line); s == "" || s[0] == '#' {
		return "", "", rest, nil
	}
	name, value, ok := strings.Cut(line, "=")
	if !ok {
		return "", "", "", errNoEqual
	}
	name = strings.TrimSpace(name)
	if after, ok := strings.CutPrefix(name, "export"); ok && strings.TrimLeft(after, " \t") != after {
		name = strings.TrimLeft(after, " \t")
	}
	if len(name) > 1 && name[0] == '\'' && name[len(name)-1] == '\'' {
		name = name[1 : len(name)-1]
	}
	if name == "" || strings.ContainsAny(name, " \t\v\f\r'\"#") {
		return "", "", "", errName
	}
	bare := uncommented(value)
	value = strings.TrimLeft(value, " \t")
	if value == "" || value[0] != '\'' && value[0] != '"' {
		return name, expand(strings.TrimSpace(bare), lookup), rest, nil
	}
	quote := value[0]
	value, rest, ok = quoted(text[len(line)-len(value)+1:], quote)
	if !ok {
		return "", "", "", errQuotes
	}
	line, rest, _ = strings.Cut(rest, "\n")
	if s := strings.TrimSpace(line); s != "" && s[0] != '#' {
		return "", "", "", errTrailing
	}
	if quote == '"' {
		value = expand(value, lookup)
	}
	return name, value, rest, nil
}

// escapes are what a backslash and a letter stand for in double quotes.
var escapes = map[byte]byte{'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'}

// quoted reads up to the closing quote, across lines. A backslash before anything that
// it has no meaning for is itself.
func quoted(text string, quote byte) (value, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == quote:
			return b.String(), text[i+1:], true
		case c == '\\' && i+1 < len(text):
			i++
			next := text[i]
			if letter, ok := escapes[next]; ok && quote == '"' {
				b.WriteByte(letter)
				continue
			}
			if next != '\\' && next != '\'' && (next != '"' || quote != '"') {
				b.WriteByte('\\')
			}
			b.WriteByte(next)
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}

// uncommented is a value without quotes up to the comment, which begins with a # after
// a space.
func uncommented(value string) string {
	for i := 1; i < len(value); i++ {
		if value[i] == '#' && (value[i-1] == ' ' || value[i-1] == '\t') {
			return value[:i]
		}
	}
	return value
}

// expand puts values in the place of names in braces.
func expand(value string, lookup func(name string) string) string {
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(value, "${")
		inside, rest, closed := strings.Cut(after, "}")
		if !ok || !closed {
			b.WriteString(value)
			return b.String()
		}
		b.WriteString(before)
		name, otherwise, _ := strings.Cut(inside, ":-")
		if v := lookup(name); v != "" {
			otherwise = v
		}
		b.WriteString(otherwise)
		value = rest
	}
}
