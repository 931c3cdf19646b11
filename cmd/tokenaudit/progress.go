package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"tokenaudit/jobs/audit"
)

// eraseLine goes to the beginning of the line and clears it.
const eraseLine = "\r\x1b[K"

// screen is standard error, which the log shares with the line of progress.
type screen struct {
	mu   sync.Mutex
	to   io.Writer
	busy bool // its last line is that of progress
}

// Write puts what is said in place of the line of progress, which is drawn below it again.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy {
		if _, err := io.WriteString(s.to, eraseLine); err != nil {
			return 0, err
		}
	}
	return s.to.Write(p)
}

// Unwrap is what it writes to.
func (s *screen) Unwrap() io.Writer { return s.to }

// progressLine is the line of progress on a screen. After the end nothing is drawn.
type progressLine struct{ *screen }

func (l progressLine) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.busy {
		return len(p), nil
	}
	return l.to.Write(p)
}

// progress says on a terminal which target is read, how many tokens it showed, and for how
// long; elsewhere it is silent.
type progress struct {
	mu      sync.Mutex
	screen  *screen
	bar     *progressbar.ProgressBar
	tokens  int
	last    string // target that showed one
	targets map[string]bool
	end     chan struct{}
	once    sync.Once // guards the end
}

func (c *cli) newProgress() *progress {
	if c.quiet || os.Getenv("TERM") == "dumb" || !isTerminal(c.stderr) {
		return &progress{}
	}
	c.screen.mu.Lock()
	c.screen.busy = true
	c.screen.mu.Unlock()
	p := &progress{screen: c.screen, targets: map[string]bool{}, end: make(chan struct{}), bar: progressbar.NewOptions(-1,
		progressbar.OptionSetWriter(c.secrets.Writer(progressLine{c.screen})),
		progressbar.OptionSetDescription("waiting for the first token"),
		progressbar.OptionUseANSICodes(true),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionThrottle(100*time.Millisecond),
	)}
	p.bar.RenderBlank() // a server may take minutes before it shows the first one
	go p.draw()
	return p
}

// draw says ever again how far it is, until done.
func (p *progress) draw() {
	for tick := time.Tick(100 * time.Millisecond); ; {
		select {
		case <-p.end:
			return
		case <-tick:
			p.bar.Describe(p.words())
		}
	}
}

func (p *progress) words() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tokens == 0 {
		return "waiting for the first token"
	}
	name := audit.Line(p.last, 30)
	if more := len(p.targets) - 1; more > 0 {
		name += fmt.Sprintf(" and %d more", more)
	}
	return name + ": " + audit.Plural(p.tokens, "token")
}

// add counts an authorization that a target showed.
func (p *progress) add(target string) {
	if p.bar == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tokens++
	p.targets[target], p.last = true, target
}

// done clears the line, so that the report starts on a clean one. Only the first call does.
func (p *progress) done() {
	if p.bar == nil {
		return
	}
	p.once.Do(func() {
		close(p.end)
		p.bar.Finish()
		p.screen.mu.Lock()
		defer p.screen.mu.Unlock()
		io.WriteString(p.screen.to, eraseLine)
		p.screen.busy = false
	})
}
