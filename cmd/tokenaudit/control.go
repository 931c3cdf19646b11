package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"sync"
	"time"

	"tokenaudit/configs"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/runner"
)

// controlSuffix follows the path of an SQLite store. There serve, which has the store,
// takes requests over a socket that only its own user can open.
const controlSuffix = ".sock"

// inForce is what serve says of the configuration that it follows.
type inForce struct {
	Read   time.Time `json:"read"`
	SHA256 string    `json:"sha256"` // of the configuration as it is applied
	Jobs   []string  `json:"jobs"`
}

// reviewLine is a line of the answer to a request for a review. The last one is Done.
type reviewLine struct {
	Waiting bool           `json:"waiting,omitempty"` // another review of the job is under way
	Rows    map[string]int `json:"rows,omitempty"`    // authorizations since the line before, by target
	Done    bool           `json:"done,omitempty"`
	Run     string         `json:"run,omitempty"` // that was finished, also where a message was not delivered
	Error   string         `json:"error,omitempty"`
}

// digest tells whether two configurations are the same.
func digest(f *configs.File) string {
	sum := sha256.Sum256([]byte(f.Effective()))
	return hex.EncodeToString(sum[:])
}

// listen takes requests until the end, which waits for the reviews that were asked for.
// Reviews go on by schedule where it fails.
func (s *scheduler) listen(ctx context.Context, path string) (end func()) {
	l, err := listenControl(ctx, path)
	if err != nil {
		s.log.Warn("no socket for requests: run --now waits until serve ends", "error", err)
		return func() {}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /serve", s.describe)
	mux.HandleFunc("POST /run", func(w http.ResponseWriter, r *http.Request) { s.reviewFor(ctx, w, r) })
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	return func() {
		_ = server.Shutdown(context.WithoutCancel(ctx))
		<-ended
		os.Remove(path)
	}
}

func (s *scheduler) describe(w http.ResponseWriter, _ *http.Request) {
	g := s.current()
	out := inForce{Read: g.read, SHA256: digest(g.file)}
	for _, j := range g.jobs {
		out.Jobs = append(out.Jobs, j.Name)
	}
	json.NewEncoder(w).Encode(out)
}

// reviewFor reviews a job now, and says how it goes. Whoever asked may leave: the review
// goes on until ctx ends.
func (s *scheduler) reviewFor(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	job := r.URL.Query().Get("job")
	if jobs, err := find(s.current().jobs, job); err != nil || job == "" || len(jobs) != 1 {
		http.Error(w, "needs one of the jobs", http.StatusNotFound)
		return
	}
	answer := &reviewAnswer{to: w, rows: map[string]int{}}
	stop := answer.every(200 * time.Millisecond)
	summary, err := inTurn(r.Context(), func() { answer.write(reviewLine{Waiting: true}) }, func() (*audit.Summary, error) {
		g := s.current() // which may be another one after it has waited
		jobs, err := find(g.jobs, job)
		if err != nil {
			return nil, err
		}
		once := *g.runner
		once.Holder, once.Progress = rand.Text(), answer.row // the lease keeps it from what the schedule asks for
		return once.ReviewNow(ctx, jobs[0])
	})
	stop()
	out := reviewLine{Done: true}
	if summary != nil {
		out.Run = summary.ID
		runner.LogGaps(s.log.With("job", summary.Job), *summary)
	}
	switch {
	case ctx.Err() != nil && summary == nil:
		out.Error = "serve was stopped; its next start continues the review"
	case err != nil:
		out.Error = s.cli.secrets.Clean(err.Error())
	}
	answer.write(out)
}

// inTurn reviews once no other review of the job is under way, or gives up when who waits
// for it has left. A look at the job by the schedule, which takes a moment, is no review.
func inTurn(asked context.Context, waiting func(), review func() (*audit.Summary, error)) (*audit.Summary, error) {
	const pause, moment = 200 * time.Millisecond, 15
	for tries := 1; ; tries++ {
		s, err := review()
		if !errors.Is(err, runner.ErrLeased) {
			return s, err
		}
		if tries == moment {
			waiting()
		}
		select {
		case <-asked.Done():
			return nil, context.Cause(asked)
		case <-time.After(pause):
		}
	}
}

// reviewAnswer writes the lines of an answer. A reader that left, or does not read, holds
// nothing up.
type reviewAnswer struct {
	mu   sync.Mutex
	to   http.ResponseWriter
	rows map[string]int // to be told
}

func (a *reviewAnswer) row(target string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rows[target]++
}

func (a *reviewAnswer) write(line reviewLine) {
	control := http.NewResponseController(a.to)
	_ = control.SetWriteDeadline(time.Now().Add(5 * time.Second))
	_ = json.NewEncoder(a.to).Encode(line)
	_ = control.Flush()
}

// every tells the rows again and again until stop, which waits for the last ones.
func (a *reviewAnswer) every(pause time.Duration) (stop func()) {
	ending, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for tick := time.Tick(pause); ; {
			last := false
			select {
			case <-tick:
			case <-ending:
				last = true
			}
			a.mu.Lock()
			rows := a.rows
			a.rows = map[string]int{}
			a.mu.Unlock()
			if len(rows) > 0 {
				a.write(reviewLine{Rows: rows})
			}
			if last {
				return
			}
		}
	}()
	return func() { close(ending); <-ended }
}
