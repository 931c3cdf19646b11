package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/rogpeppe/go-internal/testscript"

	"tokenaudit/jobs/influx/influxtest"
)

// TestDay2 does what the chapters of day 2 in the manual say, with the very commands that
// stand there: chapter "Back up and restore" 1 runs the first block of that chapter.
func TestDay2(t *testing.T) {
	commands := sceneCommands()
	commands["chapter"] = cmdChapter
	commands["cloud"] = cmdCloud
	commands["edit"] = cmdEdit
	commands["await"] = cmdAwait
	testscript.Run(t, testscript.Params{
		Dir: "testdata/day2",
		Setup: func(env *testscript.Env) error {
			newScene(env)
			return newHost(env)
		},
		Cmds:          commands,
		UpdateScripts: os.Getenv("UPDATE") != "",
	})
}

// TestDay2IsWhole: a script runs each command that the chapters of day 2 show, and no
// script runs one that is gone.
func TestDay2IsWhole(t *testing.T) {
	scripts, err := filepath.Glob("testdata/day2/*.txtar")
	must(t, err)
	run := map[string]bool{}
	for _, script := range scripts {
		text, err := os.ReadFile(script)
		must(t, err)
		for _, m := range regexp.MustCompile(`(?m)^!? ?chapter '([^']+)' (\d+)`).FindAllStringSubmatch(string(text), -1) {
			run[m[1]+" "+m[2]] = true
		}
	}
	chapters := readChapters(t.Fatalf)
	if len(chapters) < 7 {
		t.Errorf("only %d chapters", len(chapters))
	}
	delete(chapters, "") // which all others begin with
	for title, blocks := range chapters {
		for i := range blocks {
			if at := fmt.Sprint(title, " ", i+1); !run[at] {
				t.Errorf("no script runs %s:\n%s", at, blocks[i])
			}
		}
	}
}

// readChapters are the commands of each chapter of day 2, block by block. Those before the
// first chapter are in "".
func readChapters(fatal func(string, ...any)) map[string][]string {
	text, err := os.ReadFile("help/operations.md")
	if err != nil {
		fatal("%v", err)
	}
	_, day2, _ := strings.Cut(string(text), "\n## Day 2\n")
	out := map[string][]string{}
	for i, chapter := range strings.Split(day2, "\n### ") {
		title, rest, _ := strings.Cut(chapter, "\n")
		if i == 0 {
			title = ""
		}
		for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(rest, -1) {
			out[title] = append(out[title], block[1])
		}
	}
	return out
}

// cmdChapter runs a block of a chapter, below the folder of the script.
func cmdChapter(ts *testscript.TestScript, neg bool, args []string) {
	chapters := readChapters(ts.Fatalf)
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	blocks := chapters[args[0]]
	if n < 1 || n > len(blocks) {
		ts.Fatalf("the manual has no block %d in the chapter %q", n, args[0])
	}
	text := chapters[""][0] + blocks[n-1]
	text = regexp.MustCompile(`(^|[\s=":])/(etc|var|usr|srv)\b`).ReplaceAllString(text, "$1"+ts.MkAbs(".")+"/$2")
	if err := ts.Exec("sh", "-euc", text); (err != nil) != neg {
		ts.Fatalf("%v, of\n%s", err, text)
	}
}

// cmdEdit is an editor: edit FILE PATTERN TEXT. Variables in the text are those of the
// script.
func cmdEdit(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile("(?m)" + args[1])
	text := os.Expand(strings.ReplaceAll(args[2], `\n`, "\n"), ts.Getenv)
	old := ts.ReadFile(args[0])
	if !pattern.MatchString(old) {
		ts.Fatalf("nothing in %s matches %s", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(pattern.ReplaceAllLiteralString(old, text)), 0o600))
}

// cmdAwait waits until a file matches, such as the log of the service: await FILE PATTERN.
func cmdAwait(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile(args[1])
	for range 600 {
		if pattern.MatchString(ts.ReadFile(args[0])) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	ts.Fatalf("nothing in %s matches %s:\n%s", args[0], args[1], ts.ReadFile(args[0]))
}

// newHost makes the machine of the manual below the folder of the script: the files of the
// service, and a small systemd.
func newHost(env *testscript.Env) error {
	at := func(name string) string { return filepath.Join(env.WorkDir, filepath.FromSlash(name)) }
	s := &service{env: env, bucket: s3mem.New()}
	if err := s.bucket.CreateBucket("audit-evidence"); err != nil {
		return err
	}
	manager := httptest.NewServer(s)
	env.Defer(manager.Close)
	env.Defer(func() { _ = s.stop() })
	config := at("etc/tokenaudit/tokenaudit.yaml")
	for _, folder := range []string{"etc/tokenaudit", "var/lib/tokenaudit", "var/backups", "usr/local/bin", "srv", "stub"} {
		if err := os.MkdirAll(at(folder), 0o700); err != nil {
			return err
		}
	}
	yaml, err := os.ReadFile(at("tokenaudit.yaml"))
	if err != nil {
		return err
	}
	lib := at("var/lib/tokenaudit")
	text := strings.NewReplacer("sqlite:./db", "sqlite:"+lib, "./evidence", lib+"/evidence", "AUDIT_TOKEN", "INFLUX_AUDIT_TOKEN", "SLACK_TOKEN", "SLACK_BOT_TOKEN").Replace(string(yaml))
	for name, content := range map[string]string{
		config:                           text,
		at("etc/tokenaudit/environment"): fmt.Sprintf("INFLUX_AUDIT_TOKEN=%s\nSLACK_BOT_TOKEN=%s\n", env.Getenv("AUDIT_TOKEN"), env.Getenv("SLACK_TOKEN")),
		at("stub/systemctl"):             `exec curl -sS --fail-with-body "$SYSTEMD/$1?unit=$2"`,
		at("stub/as_service"):            `exec env $(cat "$WORK/etc/tokenaudit/environment") "$@"`,
		at("stub/systemd-run"):           transient,
		at("stub/chown"):                 `test "$*" = "-R tokenaudit: $WORK/var/lib/tokenaudit"`,
		at("stub/aws"):                   `test "$1 $2 $3" = "s3 cp --recursive" && exec curl -sS --fail-with-body -d "from=$4&to=$5" "$SYSTEMD/aws"`,
	} {
		mode := os.FileMode(0o600)
		if filepath.Dir(name) == at("stub") {
			mode, content = 0o700, "#!/bin/sh\n"+content+"\n"
		}
		if err := os.WriteFile(name, []byte(content), mode); err != nil {
			return err
		}
	}
	bucket := httptest.NewServer(gofakes3.New(s.bucket).Server())
	env.Defer(bucket.Close)
	env.Setenv("BUCKET", "s3://audit-evidence/tokenaudit?region=us-east-1&s3ForcePathStyle=true&endpoint="+bucket.URL)
	env.Setenv("SYSTEMD", manager.URL)
	env.Setenv("TOKENAUDIT_CONFIG", config)
	env.Setenv("AUDIT_TOKEN", "")
	env.Setenv("SLACK_TOKEN", "")
	env.Setenv("PATH", at("usr/local/bin")+string(os.PathListSeparator)+at("stub")+string(os.PathListSeparator)+env.Getenv("PATH"))
	return nil
}

// transient is what systemd-run does with the options of the manual: it runs the command
// as another user, which is left out here, with the variables of the file.
const transient = `while [ "${1#-}" != "$1" ]; do
	case $1 in
	-p) shift; test "$1" = "EnvironmentFile=$WORK/etc/tokenaudit/environment" ;;
	--quiet | --pipe | --wait | --collect | --uid=tokenaudit) ;;
	*) echo "systemd-run: $1" >&2; exit 1 ;;
	esac
	shift
done
exec as_service "$@"`

// service is systemd, as far as the manual needs it.
type service struct {
	env *testscript.Env

	bucket *s3mem.Backend

	mu   sync.Mutex // held by an action
	proc *exec.Cmd  // nil while it is stopped
	done chan error // that it ended
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := fmt.Errorf("unknown: %s", r.URL)
	switch action := strings.TrimPrefix(r.URL.Path, "/"); {
	case action == "aws":
		err = s.upload(r.FormValue("from"), r.FormValue("to"))
	case r.FormValue("unit") != "tokenaudit":
	case action == "start":
		err = s.start()
	case action == "stop":
		err = s.stop()
	case action == "restart":
		if err = s.stop(); err == nil {
			err = s.start()
		}
	case action == "reload" && s.proc != nil:
		err = s.proc.Process.Signal(syscall.SIGHUP)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// start starts serve with the variables of the file, and waits until it says that it is
// ready.
func (s *service) start() error {
	if s.proc != nil {
		return nil
	}
	socket := filepath.Join(s.env.WorkDir, "notify")
	_ = os.Remove(socket)
	ready, err := net.ListenPacket("unixgram", socket)
	if err != nil {
		return err
	}
	variables, err := os.ReadFile(filepath.Join(s.env.WorkDir, "etc", "tokenaudit", "environment"))
	if err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(s.env.WorkDir, "serve.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	proc, done, said := exec.Command("/bin/sh", "-c", "exec tokenaudit serve"), make(chan error, 1), make(chan struct{})
	proc.Env = slices.Concat(s.env.Vars, strings.Fields(string(variables)), []string{"NOTIFY_SOCKET=" + socket})
	proc.Stderr, proc.Dir = log, s.env.WorkDir
	if err := proc.Start(); err != nil {
		return err
	}
	s.proc, s.done = proc, done
	go func() {
		defer ready.Close()
		told := sync.OnceFunc(func() { close(said) })
		for state := make([]byte, 4096); ; {
			n, _, err := ready.ReadFrom(state)
			if err != nil {
				return
			}
			if bytes.Contains(state[:n], []byte("READY=1")) {
				told()
			}
		}
	}()
	go func() {
		done <- proc.Wait()
		ready.Close()
	}()
	select {
	case <-said:
		return nil
	case err := <-done:
		s.proc = nil
		return fmt.Errorf("the service ended before it was ready: %v", err)
	}
}

func (s *service) stop() error {
	if s.proc == nil {
		return nil
	}
	err := s.proc.Process.Signal(syscall.SIGTERM)
	if err == nil {
		err = <-s.done
	}
	s.proc = nil
	return err
}

// upload is aws s3 cp --recursive.
func (s *service) upload(from, to string) error {
	bucket, prefix, _ := strings.Cut(strings.TrimPrefix(to, "s3://"), "/")
	return filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err == nil {
			_, err = s.bucket.PutObject(bucket, prefix+"/"+filepath.ToSlash(name), map[string]string{"Last-Modified": time.Now().UTC().Format(http.TimeFormat)}, bytes.NewReader(content), int64(len(content)), nil)
		}
		return err
	})
}

// cmdCloud makes an org of InfluxDB Cloud with two users, at CLOUD_URL. Their credentials
// go into the environment of the service.
func cmdCloud(ts *testscript.TestScript, _ bool, _ []string) {
	db := influxtest.New(influxtest.CloudTSM)
	db.AddOrg("another") // which has the ID that acme has in the other server
	org := db.AddOrg("acme")
	for _, name := range []string{"TELEGRAF", "ALICE"} {
		user := db.AddUser(strings.ToLower(name))
		db.AddMember(org, user)
		id, token := db.AddAuthorization(influxtest.Authorization{OrgID: org, UserID: user, Status: influxtest.Active, Description: "review", Permissions: []influxtest.Permission{
			{Action: "read", Resource: influxtest.Resource{Type: "authorizations", OrgID: org}},
			{Action: "read", Resource: influxtest.Resource{Type: "users", ID: user}},
			{Action: "read", Resource: influxtest.Resource{Type: "orgs", ID: org}},
		}})
		ts.Setenv(name+"_ID", id)
		f, err := os.OpenFile(ts.MkAbs("etc/tokenaudit/environment"), os.O_APPEND|os.O_WRONLY, 0)
		ts.Check(err)
		_, err = fmt.Fprintf(f, "%s_TOKEN=%s\n", name, token)
		ts.Check(errors.Join(err, f.Close()))
	}
	web := httptest.NewServer(db)
	ts.Defer(web.Close)
	ts.Setenv("CLOUD_URL", web.URL)
}

// nextMain is a later version of the program.
func nextMain() {
	version = "99.1.0"
	main()
}
