package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"

	"tokenaudit/configs"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/ledger"
)

// refuseRoot refuses to write as root where another user keeps the store or the evidence:
// what root leaves there, the service of that user could not open.
func refuseRoot(f *configs.File) error {
	path, owner := ownerBesideRoot(f)
	if owner == "" {
		return nil
	}
	return usagef("%s belongs to user %s, who could not open what root writes there; run this as %s:\n  %s", path, owner, owner, commandAs(f, owner, exec.LookPath))
}

// ownerBesideRoot is another user who keeps the store or the evidence, and what of it; none
// where this process is not root.
func ownerBesideRoot(f *configs.File) (path, owner string) {
	if os.Geteuid() != 0 {
		return "", ""
	}
	for _, path := range dataPaths(f) {
		if uid, ok := ownerOf(path); ok && uid != 0 {
			return path, userName(uid)
		}
	}
	return "", ""
}

// forOwner adds to an error for lack of permission who has it.
func forOwner(f *configs.File, err error) error {
	if os.Geteuid() <= 0 || !errors.Is(err, fs.ErrPermission) { // root has it, Windows has no such users
		return err
	}
	for _, path := range dataPaths(f) {
		uid, ok := ownerOf(path)
		for ; !ok; uid, ok = ownerOf(path) { // nor can it be looked at
			path = filepath.Dir(path)
		}
		if uid != 0 && uid != os.Geteuid() {
			owner := userName(uid)
			return fmt.Errorf("%w\n%s belongs to user %s; run this as %s:\n  %s", err, path, owner, owner, commandAs(f, owner, exec.LookPath))
		}
	}
	return err
}

// dataPaths are where a review writes on this machine.
func dataPaths(f *configs.File) []string {
	var out []string
	if path, ok := ledger.StorePath(f.Store); ok {
		out = append(out, filepath.Dir(path), path)
	}
	if !evidence.IsBucket(f.Evidence) {
		out = append(out, f.Evidence)
	}
	return out
}

// userName is the name of a user, or "#" and the ID, as sudo takes it.
func userName(uid int) string {
	if u, err := user.LookupId(fmt.Sprint(uid)); err == nil {
		return u.Username
	}
	return fmt.Sprintf("#%d", uid)
}

// commandAs is this command for another user, by what this machine has for that: the plain
// command where it has nothing. The variables of secrets that are set here go with it.
func commandAs(f *configs.File, owner string, look func(file string) (string, error)) string {
	has := func(program string) bool {
		_, err := look(program)
		return err == nil
	}
	var words []string
	switch id, unnamed := strings.CutPrefix(owner, "#"); {
	case has("sudo"):
		words = []string{"sudo", "-u", shellWord(owner)}
		if variables := secretVariables(f); len(variables) > 0 {
			words = append(words, "--preserve-env="+strings.Join(variables, ","))
		}
	case os.Geteuid() != 0: // the others are for root, and keep its environment
	case has("runuser") && !unnamed:
		words = []string{"runuser", "-u", shellWord(owner), "--"}
	case has("setpriv"):
		words = []string{"setpriv", "--reuid=" + shellWord(id), "--clear-groups"}
	}
	words = append(words, calledAs())
	for _, word := range os.Args[1:] {
		words = append(words, shellWord(word))
	}
	return strings.Join(words, " ")
}

// secretVariables are the variables of secrets that are set here.
func secretVariables(f *configs.File) (out []string) {
	for _, ref := range f.Secrets() {
		if _, set := os.LookupEnv(ref.Env); set && !slices.Contains(out, ref.Env) {
			out = append(out, ref.Env)
		}
	}
	return out
}
