package environment

import (
	"maps"
	"os"
	"strings"
	"testing"
)

// in runs the test in a folder of its own, without variables of this library.
func in(t *testing.T, file string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, prefix) {
			t.Setenv(name, "")
		}
	}
	if file != "" {
		if err := os.WriteFile(File, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheEnvironmentWinsVariableByVariable(t *testing.T) {
	in(t, "HW_DB_HOST=file\nHW_DB_USER=file\nHW_DB_NAME=file\nHW_DB_PORT=\nOTHER=file\n")
	t.Setenv("HW_DB_HOST", "environment")
	t.Setenv("HW_DB_USER", "") // counts as unset
	got, err := Read()
	if err != nil {
		t.Fatal(err)
	}
	want := Variables{"HW_DB_HOST": "environment", "HW_DB_USER": "file", "HW_DB_NAME": "file"}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestWhatNamesADatabase(t *testing.T) {
	for file, want := range map[string]bool{
		"": false, "HW_NAMESPACE=a": false, "HW_DB_HOST=": false, "HW_DB_PORT=1": true, "# HW_DB_PORT=1": false,
	} {
		in(t, file)
		got, err := Read()
		if err != nil || got.NamesDatabase() != want {
			t.Errorf("%q: got %v, %v", file, got.NamesDatabase(), err)
		}
	}
}

func TestAFolderIsNoFileOfVariables(t *testing.T) {
	in(t, "")
	if err := os.Mkdir(File, 0o700); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(); err != nil || len(got) > 0 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestAFileThatMakesNoSenseIsNamedAndNotQuoted(t *testing.T) {
	in(t, "HW_DB_HOST=file\nHW_DB_PASSWORD='secret\n")
	t.Setenv("HW_DB_USER", "environment")
	got, err := Read()
	if err == nil || err.Error() != ".env: line 2: the quotes are not closed" {
		t.Errorf("got %v", err)
	}
	if want := (Variables{"HW_DB_HOST": "file", "HW_DB_USER": "environment"}); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestAFileThatCannotBeReadIsNamed(t *testing.T) {
	in(t, "")
	if err := os.Symlink(File, File); err != nil { // readable by nobody, not even root
		t.Skip(err)
	}
	if _, err := Read(); err == nil || !strings.Contains(err.Error(), File) {
		t.Errorf("got %v", err)
	}
}
