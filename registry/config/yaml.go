package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/highway-engine/highway/registry"
)

// parseYAML makes JSON of YAML, so that one reader says what settings are.
func parseYAML(text []byte) (s registry.Settings, err error) {
	in := yaml.NewDecoder(bytes.NewReader(text))
	var document, another yaml.Node
	if err := in.Decode(&document); errors.Is(err, io.EOF) {
		return s, errors.New("there are no settings in it")
	} else if err != nil {
		return s, unread(err)
	}
	if err := in.Decode(&another); err == nil {
		return s, fmt.Errorf("line %d: it must be one document", another.Line)
	} else if !errors.Is(err, io.EOF) {
		return s, unread(err)
	}
	var out bytes.Buffer
	if err := write(&out, &document); err != nil {
		return s, err
	}
	return registry.Parse(out.Bytes())
}

// plain is the rule for what is of no use for so little, and can make much of a small file.
const plain = "it must have no anchors, aliases, tags or merge keys"

// unread is the library's error without what it may have from the file, where a secret may
// be: what it says with a line is only about the syntax.
func unread(err error) error {
	switch text := strings.TrimPrefix(err.Error(), "yaml: "); {
	case strings.HasPrefix(text, "line "):
		return errors.New(text)
	case strings.HasPrefix(text, "unknown anchor "):
		return errors.New(plain)
	}
	return errors.New("line 1: it is not YAML") // as the library does not say of the first line
}

// write gives a node in JSON. A name that comes twice comes twice there too, for
// registry.Parse to refuse.
func write(out *bytes.Buffer, n *yaml.Node) error {
	if marked(n) {
		return fmt.Errorf("line %d: %s", n.Line, plain)
	}
	switch n.Kind {
	case yaml.DocumentNode:
		return write(out, n.Content[0])
	case yaml.MappingNode:
		out.WriteByte('{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				out.WriteByte(',')
			}
			name, value := n.Content[i], n.Content[i+1]
			if name.Kind != yaml.ScalarNode || name.ShortTag() == "!!merge" || marked(name) {
				return fmt.Errorf("line %d: a name must be plain text", name.Line)
			}
			writeText(out, name.Value) // on and 443 are names too
			out.WriteByte(':')
			if err := write(out, value); err != nil {
				return err
			}
		}
		out.WriteByte('}')
	case yaml.SequenceNode:
		out.WriteString("[]") // there are no lists in settings, which registry.Parse says
	case yaml.ScalarNode:
		switch n.ShortTag() {
		case "!!null":
			out.WriteString("null")
		case "!!bool":
			out.WriteString("true")
		case "!!int", "!!float":
			out.WriteString("0")
		default:
			writeText(out, n.Value)
		}
	default:
		return fmt.Errorf("line %d: %s", n.Line, plain)
	}
	return nil
}

// marked says that a node has an anchor or a tag.
func marked(n *yaml.Node) bool { return n.Anchor != "" || n.Style&yaml.TaggedStyle != 0 }

func writeText(out *bytes.Buffer, text string) {
	quoted, _ := json.Marshal(text) // a string can always be marshalled
	out.Write(quoted)
}
