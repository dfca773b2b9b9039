package highway_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestCodeInTheDocsIsCode: every Go block in a Markdown file stands, line for line, in
// a Go file that is compiled and run with the tests.
func TestCodeInTheDocsIsCode(t *testing.T) {
	code := ""
	for _, path := range files(t, ".go") {
		code += "\n" + trimLines(read(t, path))
	}
	fence := regexp.MustCompile("(?ms)^```go\n(.*?)^```")
	blocks := 0
	for _, path := range files(t, ".md") {
		for _, block := range fence.FindAllStringSubmatch(read(t, path), -1) {
			blocks++
			if !strings.Contains(code, trimLines(block[1])) {
				t.Errorf("%s has code that no Go file has:\n%s", path, block[1])
			}
		}
	}
	if blocks < 5 {
		t.Errorf("found only %d blocks of code", blocks)
	}
}

// TestLinksInTheDocsLeadSomewhere: every relative link in a Markdown file names a file.
func TestLinksInTheDocsLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)|src="([^":]+)"`)
	for _, path := range files(t, ".md") {
		for _, m := range link.FindAllStringSubmatch(read(t, path), -1) {
			target := filepath.Join(filepath.Dir(path), m[1]+m[3])
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s, which is not there", path, m[1]+m[3])
			}
		}
	}
}

// TestEveryPublicSymbolIsDocumented covers fields and constants too.
func TestEveryPublicSymbolIsDocumented(t *testing.T) {
	var sources []string
	for _, public := range []string{".", "dashboard", "fleet", "grpc", "http", "otel", "postgres", "postgres/postgrestest", "postgres/schema",
		"prometheus", "registry", "registry/config", "storagetest"} {
		found, err := filepath.Glob(filepath.Join(public, "*.go"))
		if err != nil || len(found) == 0 {
			t.Fatalf("no package in %s: %v", public, err)
		}
		sources = append(sources, found...)
	}
	symbols := 0
	for _, path := range sources {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		fileset := token.NewFileSet()
		file, err := parser.ParseFile(fileset, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		check := func(name *ast.Ident, docs ...*ast.CommentGroup) {
			if !name.IsExported() {
				return
			}
			symbols++
			if !slices.ContainsFunc(docs, func(c *ast.CommentGroup) bool { return c.Text() != "" }) {
				t.Errorf("%v: %s has no documentation", fileset.Position(name.Pos()), name.Name)
			}
		}
		for _, decl := range file.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				if receiver(decl).IsExported() {
					check(decl.Name, decl.Doc)
				}
			case *ast.GenDecl:
				for _, spec := range decl.Specs {
					switch spec := spec.(type) {
					case *ast.TypeSpec:
						check(spec.Name, decl.Doc, spec.Doc)
						ast.Inspect(spec, func(n ast.Node) bool {
							if field, ok := n.(*ast.Field); ok && spec.Name.IsExported() {
								for _, name := range field.Names {
									check(name, field.Doc, field.Comment)
								}
							}
							return true
						})
					case *ast.ValueSpec:
						for _, name := range spec.Names {
							check(name, decl.Doc, spec.Doc, spec.Comment)
						}
					}
				}
			}
		}
	}
	if symbols < 50 {
		t.Errorf("found only %d public symbols", symbols)
	}
}

// receiver is the type that a method belongs to; a function stands for itself.
func receiver(f *ast.FuncDecl) *ast.Ident {
	if f.Recv == nil {
		return f.Name
	}
	var name *ast.Ident
	ast.Inspect(f.Recv.List[0].Type, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && name == nil {
			name = id
		}
		return true
	})
	return name
}

// files lists the project's files with an ending, in every module.
func files(t *testing.T, ending string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && (d.Name() == ".git" || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if strings.HasSuffix(path, ending) {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// trimLines takes off the indentation, which differs between docs and code.
func trimLines(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}
