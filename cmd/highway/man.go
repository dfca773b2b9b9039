package main

import (
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
)

func manCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write manual pages into a folder",
		Long: `Writes a manual page for each command into a folder, which is made if it is not
there.`,
		Example: `  highway man ~/.local/share/man/man1`,
		Args:    arguments(1, 1, "DIR"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return failure{err}
			}
			root := c.Root()
			root.DisableAutoGenTag = true
			literally(root)
			if err := doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "Highway", Manual: "Highway"}, args[0]); err != nil {
				return failure{err}
			}
			return nil
		},
	}
}

// literally has the texts of a command and of those below it stand in a page as they stand in
// the help: a page is made of Markdown, to which HW_DB_* is an emphasis.
func literally(c *cobra.Command) {
	c.Short, c.Long = markdown(c.Short), markdown(c.Long)
	c.Flags().VisitAll(func(f *pflag.Flag) { f.Usage = markdown(f.Usage) })
	for _, each := range c.Commands() {
		literally(each)
	}
}

var special = strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "`", "\\`", "<", `\<`, "[", `\[`)

// markdown is a text that is read as what it is. Lines with an indent stay lines, as code does.
func markdown(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		switch {
		case strings.HasPrefix(line, "\t"):
		case strings.HasPrefix(line, " "):
			lines[i] = "    " + line
		default:
			lines[i] = special.Replace(line)
		}
	}
	return strings.Join(lines, "\n")
}
