package runner

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"tokenaudit/jobs/audit"
)

// mostGaps is how many gaps of a review are logged one by one.
const mostGaps = 20

// tickLog logs what the ticks of a job came to, each thing once.
type tickLog struct {
	log    *slog.Logger
	failed map[string]string // by run and notifier, why messages did not arrive, as it was said last
	now    []*sending        // what this tick sent
}

// sending are the messages of a run, or of a campaign, by one notifier in one tick.
type sending struct {
	of, run, notifier string // of is "run" or "campaign"
	arrived           int
	missing           int
	err               error // of the first that did not arrive
	givenUp           bool
}

func newTickLog(log *slog.Logger, job string) *tickLog {
	return &tickLog{log: log.With("job", job), failed: map[string]string{}}
}

// watch is the notifier, of which l hears what becomes of each message.
func (l *tickLog) watch(n Notifier) Notifier {
	send, sendCampaign := n.Send, n.SendCampaign
	n.Send = func(ctx context.Context, m Message) (string, error) {
		ref, err := send(ctx, m)
		l.heard(ctx, m.Delivery, err)
		return ref, err
	}
	if sendCampaign != nil {
		n.SendCampaign = func(ctx context.Context, m CampaignMessage) (string, error) {
			ref, err := sendCampaign(ctx, m)
			l.heard(ctx, m.Delivery, err)
			return ref, err
		}
	}
	return n
}

func (l *tickLog) heard(ctx context.Context, d audit.Delivery, err error) {
	if ctx.Err() != nil {
		return
	}
	at := slices.IndexFunc(l.now, func(s *sending) bool { return s.run == d.Run.ID() && s.notifier == d.Notifier })
	if at < 0 {
		at = len(l.now)
		l.now = append(l.now, &sending{of: d.Of(), run: d.Run.ID(), notifier: d.Notifier})
	}
	s := l.now[at]
	if err == nil {
		s.arrived++
		return
	}
	if s.missing++; s.err == nil {
		s.err = err
	}
	uncertain, is := errors.AsType[*UncertainError](err)
	s.givenUp = s.givenUp || is && uncertain.GiveUp
}

// tick logs what one came to, and returns the errors that are not about messages.
func (l *tickLog) tick(s *audit.Summary, err error) error {
	if s != nil {
		LogGaps(l.log, *s)
	}
	for _, s := range l.now {
		l.sent(s)
	}
	l.now = nil
	var others []error
	for _, err := range each(err) {
		if d, is := errors.AsType[*DeliveryError](err); !is {
			others = append(others, err)
		} else if d.Delivery.State == audit.DeliveryExpired {
			l.cancelled(d)
		}
	}
	return errors.Join(others...)
}

// cancelled says that a message is not tried any more. A store that does not take it is no
// reason to say it again.
func (l *tickLog) cancelled(e *DeliveryError) {
	d := e.Delivery
	of := d.Run.ID() + " " + d.Notifier
	delete(l.failed, of)
	if of += " " + d.Name; l.failed[of] == "" {
		l.failed[of] = e.Err.Error()
		l.log.Error("a message was cancelled", d.Of(), d.Run.ID(), "notifier", d.Notifier, "message", audit.Line(d.Name, 200), "error", e.Err)
	}
}

// each are the errors that were joined.
func each(err error) (out []error) {
	joined, is := err.(interface{ Unwrap() []error })
	if !is {
		return append(out, err)
	}
	for _, err := range joined.Unwrap() {
		out = append(out, each(err)...)
	}
	return out
}

// LogGaps says what a review did not see, and what to do about it.
func LogGaps(log *slog.Logger, s audit.Summary) {
	if s.Coverage.Verdict == audit.Complete {
		return
	}
	log = log.With("run", s.ID)
	lines := slices.DeleteFunc(s.Coverage.Lines(), func(c audit.CoverageLine) bool { return c.Accepted != nil })
	for _, c := range lines[:min(len(lines), mostGaps)] {
		log.Warn("not seen", "coverage", s.Coverage.Verdict, "gap", c.ID, "targets", audit.Names(c.Targets, 5), "reason", audit.Line(c.Words, 1000), "remedy", audit.Line(c.Remedy, 1000))
	}
	if more := len(lines) - mostGaps; more > 0 {
		log.Warn("more was not seen", "coverage", s.Coverage.Verdict, "gaps", more)
	}
}

// sent says what became of messages: that they arrived, and why they did not, once until
// it changes.
func (l *tickLog) sent(s *sending) {
	log, of := l.log.With(s.of, s.run, "notifier", s.notifier), s.run+" "+s.notifier
	before, failing := l.failed[of]
	switch {
	case s.err == nil:
		delete(l.failed, of)
		log.Info("delivered", "messages", s.arrived, "after_failures", failing)
	case s.givenUp:
		delete(l.failed, of)
		log.Error("a message may not have arrived, and is not sent again", "error", s.err)
	case !failing || before != reason(s.err.Error()):
		l.failed[of] = reason(s.err.Error())
		log.Warn("not delivered; it will be tried again", "messages", s.missing, "arrived", s.arrived, "error", s.err)
	}
}
