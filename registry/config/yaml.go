package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

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
		return s, err
	}
	if err := in.Decode(&another); err == nil {
		return s, fmt.Errorf("line %d: it must be one document", another.Line)
	} else if !errors.Is(err, io.EOF) {
		return s, err
	}
	var out bytes.Buffer
	if err := write(&out, &document); err != nil {
		return s, err
	}
	return registry.Parse(out.Bytes())
}

// write gives a node in JSON. A name that comes twice comes twice there too, for
// registry.Parse to refuse.
func write(out *bytes.Buffer, n *yaml.Node) error {
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
			if name.Kind != yaml.ScalarNode || name.ShortTag() == "!!merge" {
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
		out.WriteString("[]") // there are no lists in settings, so what is in it matters not
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
		// They are of no use for so little, and can make much of a small file.
		return fmt.Errorf("line %d: it must have no aliases", n.Line)
	}
	return nil
}

func writeText(out *bytes.Buffer, text string) {
	quoted, _ := json.Marshal(text) // a string can always be marshalled
	out.Write(quoted)
}
