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
	if os.Geteuid() != 0 {
		return nil
	}
	path, owner := otherOwner(dataPaths(f), nil)
	if owner == "" {
		return nil
	}
	return usagef("%s; run this as %s:\n  %s", belongs(path, owner), owner, commandAs(owner, secretVariables(f), exec.LookPath))
}

// forOwner adds to an error for lack of permission who has it.
func forOwner(f *configs.File, err error) error {
	return forOwnerOf(dataPaths(f), secretVariables(f), err)
}

func forOwnerOf(paths, variables []string, err error) error {
	path, owner := otherOwner(paths, err)
	if owner == "" || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return fmt.Errorf("%w\n%s; run this as %s:\n  %s", err, belongs(path, owner), owner, commandAs(owner, variables, exec.LookPath))
}

// otherOwner is another user whom one of the paths belongs to, and which. Beside root, err
// has to be for lack of permission.
func otherOwner(paths []string, err error) (path, owner string) {
	me := os.Geteuid() // -1 on Windows, which has no such users
	denied := me > 0 && errors.Is(err, fs.ErrPermission)
	if me != 0 && !denied {
		return "", ""
	}
	for _, path := range paths {
		uid, ok := ownerOf(path)
		for ; denied && !ok; uid, ok = ownerOf(path) { // nor can it be looked at
			path = filepath.Dir(path)
		}
		if ok && uid != 0 && uid != me {
			return path, userName(uid)
		}
	}
	return "", ""
}

func belongs(path, owner string) string {
	text := path + " belongs to user " + owner
	if os.Geteuid() == 0 {
		text += ", who could not open what root writes there"
	}
	return text
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
func commandAs(owner string, variables []string, look func(file string) (string, error)) string {
	has := func(program string) bool {
		_, err := look(program)
		return err == nil
	}
	var words []string
	switch id, unnamed := strings.CutPrefix(owner, "#"); {
	case has("sudo"):
		words = []string{"sudo", "-u", shellWord(owner)}
		if len(variables) > 0 {
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
