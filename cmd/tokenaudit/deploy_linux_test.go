package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// nobody owns nothing, and stands in for the user of the image.
const nobody = 65534

// TestStaticBinary runs the demo where there is nothing but the program, a folder
// for its reports and one for temporary files, as a user without rights.
func TestStaticBinary(t *testing.T) {
	if testing.Short() {
		t.Skip("long; runs without -short")
	}
	if os.Getuid() != 0 {
		t.Skip("only root may chroot")
	}
	t.Parallel()
	empty := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(empty, "tokenaudit"), ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"data", "tmp"} {
		folder := filepath.Join(empty, name)
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(folder, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	demo := exec.Command("/tokenaudit", "demo", "--out", "/data/demo")
	demo.Env, demo.Dir = []string{}, "/"
	demo.SysProcAttr = &syscall.SysProcAttr{Chroot: empty, Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := demo.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "coverage complete") {
		t.Errorf("%v\n%s", err, out)
	}
	if books, err := filepath.Glob(filepath.Join(empty, "data/demo/weekly-review/*/review.xlsx")); err != nil || len(books) != 3 {
		t.Errorf("workbooks %q, %v", books, err)
	}
}
