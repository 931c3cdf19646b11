package main

import (
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress counts authorizations on a terminal; elsewhere it is silent.
type progress struct {
	mu  sync.Mutex
	bar *progressbar.ProgressBar
}

func (c *cli) newProgress() *progress {
	if !isTerminal(c.stderr) {
		return &progress{}
	}
	p := &progress{bar: progressbar.NewOptions(-1,
		progressbar.OptionSetWriter(c.stderr),
		progressbar.OptionSetDescription("reading authorizations"),
		progressbar.OptionShowCount(),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionThrottle(100*time.Millisecond),
	)}
	p.bar.RenderBlank() // a server may take minutes before it shows the first one
	return p
}

func (p *progress) add(string) {
	if p.bar == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bar.Add(1)
}

// done clears the line, so that the report starts on a clean one.
func (p *progress) done() {
	if p.bar != nil {
		p.bar.Finish()
	}
}
