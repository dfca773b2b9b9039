package postgrestest

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// native is the folder in the package that holds PostgreSQL.
const native = "package/native/"

// unpack writes the PostgreSQL in a package to the folder to, which it makes. Nothing
// is written outside of it, whatever the names in the package are.
func unpack(archive io.Reader, to string) error {
	if err := os.Mkdir(to, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(to)
	if err != nil {
		return err
	}
	defer root.Close()
	compressed, err := gzip.NewReader(archive)
	if err != nil {
		return err
	}
	defer compressed.Close()
	for files := tar.NewReader(compressed); ; {
		header, err := files.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		name, ok := strings.CutPrefix(header.Name, native)
		if !ok || header.Typeflag != tar.TypeReg {
			continue
		}
		if err := write(root, name, files, header.FileInfo().Mode()); err != nil {
			return err
		}
	}
	return links(root)
}

// write writes one file.
func write(root *os.Root, name string, from io.Reader, mode fs.FileMode) error {
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	// Others than this user may run the server, so everybody may read.
	permissions := fs.FileMode(0o644)
	if mode&0o111 != 0 || strings.HasPrefix(name, "bin/") {
		permissions = 0o755
	}
	file, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, permissions)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, from)
	return errors.Join(err, file.Close())
}

// links makes the symbolic links that npm packages cannot hold: a list stands for them.
func links(root *os.Root) error {
	const list = "pg-symlinks.json"
	text, err := root.ReadFile(list)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var wanted []struct{ Source, Target string }
	if err := json.Unmarshal(text, &wanted); err != nil {
		return fmt.Errorf("%s: %w", list, err)
	}
	for _, link := range wanted {
		source, ok1 := strings.CutPrefix(link.Source, "native/")
		target, ok2 := strings.CutPrefix(link.Target, "native/")
		if !ok1 || !ok2 || !filepath.IsLocal(source) {
			return fmt.Errorf("%s: a link from %q to %q", list, link.Target, link.Source)
		}
		to, err := filepath.Rel(path.Dir(target), source)
		if err != nil {
			return fmt.Errorf("%s: %w", list, err)
		}
		if err := root.Symlink(to, target); err != nil {
			return fmt.Errorf("%s: %w", list, err)
		}
	}
	return nil
}
