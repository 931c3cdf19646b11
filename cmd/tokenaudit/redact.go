package main

import (
	"context"
	"iter"
	"log"
	"log/slog"
	"slices"
	"strings"

	"tokenaudit/configs"
	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/runner"
	"tokenaudit/jobs/target"
)

// bind makes every secret of a configuration known to the redactor: at once, as what
// one server says may hold the secret of another, or when a command has given it.
func bind(f *configs.File, secrets *secret.Redactor) {
	for _, ref := range f.Secrets() {
		ref.Bind(secrets)
		ref.Learn()
	}
}

// fromEnvironment are secrets that libraries and the influx CLI take from variables
// of their own.
func fromEnvironment(env func(string) string) []string {
	var out []string
	for _, name := range []string{"INFLUX_TOKEN", "PGPASSWORD", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} {
		out = append(out, env(name))
	}
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"} {
		for _, proxy := range []string{env(name), env(strings.ToLower(name))} {
			if at := strings.LastIndex(proxy, "@"); at >= 0 { // even where it is no URL, as the error quotes it
				user := proxy[:at]
				if _, rest, found := strings.Cut(user, "://"); found {
					user = rest
				}
				_, password, _ := strings.Cut(user, ":")
				out = append(out, password)
			}
		}
	}
	return out
}

// catchStandardLog makes what libraries write to the logger of the standard library a
// detail of the log, without what it quotes: net/http quotes bytes of answers.
func (c *cli) catchStandardLog() {
	log.SetFlags(0)
	log.SetOutput(standardLog{c.log(slog.LevelWarn)})
}

type standardLog struct{ log *slog.Logger }

func (s standardLog) Write(p []byte) (int, error) {
	s.log.Debug("a library says", "text", audit.Line(secret.WithoutQuotes(strings.TrimSpace(string(p))), 300))
	return len(p), nil
}

// cleanLedger is a ledger to which no secret gets. The summary of a run is made of its
// items.
type cleanLedger struct {
	runner.Ledger
	secrets *secret.Redactor
}

// SaveItem implements runner.Ledger.
func (l cleanLedger) SaveItem(ctx context.Context, run audit.Run, item audit.Item) error {
	cleanCoverage(l.secrets, &item.Coverage)
	return l.Ledger.SaveItem(ctx, run, item)
}

// Conclusion implements runner.Ledger. What it gives is sent: an earlier version may have
// kept it, or this one before a command gave a secret.
func (l cleanLedger) Conclusion(ctx context.Context, run audit.Run) (audit.Summary, audit.Highlights, error) {
	s, h, err := l.Ledger.Conclusion(ctx, run)
	cleanSummary(l.secrets, &s)
	l.secrets.CleanAll(&h)
	return s, h, err
}

// SaveDelivery implements runner.Ledger.
func (l cleanLedger) SaveDelivery(ctx context.Context, holder string, d audit.Delivery) error {
	d.Ref, d.Error = l.secrets.Clean(d.Ref), l.secrets.Clean(d.Error)
	return l.Ledger.SaveDelivery(ctx, holder, d)
}

// SaveCampaignDelivery implements runner.Ledger.
func (l cleanLedger) SaveCampaignDelivery(ctx context.Context, holder string, d audit.CampaignDelivery) error {
	d.Ref, d.Error = l.secrets.Clean(d.Ref), l.secrets.Clean(d.Error)
	return l.Ledger.SaveCampaignDelivery(ctx, holder, d)
}

func cleanSummary(secrets *secret.Redactor, s *audit.Summary) {
	secrets.CleanAll(&s.Coverage.Reasons)
	secrets.CleanAll(&s.Coverage.Gaps)
	for i := range s.Coverage.Targets {
		cleanCoverage(secrets, &s.Coverage.Targets[i])
	}
}

// cleanCoverage leaves the names of the target and of what answered, by which they are
// found again.
func cleanCoverage(secrets *secret.Redactor, c *audit.Coverage) {
	target, sources := c.Target, slices.Clone(c.Sources)
	secrets.CleanAll(c)
	c.Target, c.Sources = target, sources
}

// cleanSnapshots are snapshots to which no secret gets: reports and messages are made
// of them.
type cleanSnapshots struct {
	evidence.Archive
	secrets *secret.Redactor
}

// Write implements runner.Snapshots.
func (s cleanSnapshots) Write(ctx context.Context, run audit.Run, target string, records iter.Seq2[audit.Record, error]) error {
	return s.Archive.Write(ctx, run, target, func(yield func(audit.Record, error) bool) {
		for r, err := range records {
			cleanAuthorization(s.secrets, &r.Authorization)
			cleanIDs(s.secrets, &r.Owner.ID)
			s.secrets.CleanTexts(&r.Evidence, &r.Owner.Name, &r.Owner.Evidence)
			for i := range r.Changes {
				cleanIDs(s.secrets, &r.Changes[i].From, &r.Changes[i].To)
			}
			for i := range r.Findings {
				s.secrets.CleanTexts(&r.Findings[i].Detail)
			}
			if !yield(r, err) {
				return
			}
		}
	})
}

// WriteRequests implements runner.Snapshots.
func (s cleanSnapshots) WriteRequests(ctx context.Context, run audit.Run, target string, requests []audit.Request) error {
	for i := range requests {
		s.secrets.CleanTexts(&requests[i].Request, &requests[i].Error)
	}
	return s.Archive.WriteRequests(ctx, run, target, requests)
}

// cleanAuthorization is CleanAll for what there may be millions of. IDs stay as they
// are: they say what is what, and may be in the path of a URL that is a secret.
func cleanAuthorization(secrets *secret.Redactor, a *audit.Authorization) {
	status := string(a.Status)
	secrets.CleanTexts(&a.Org, &a.User, &a.Description, &status)
	if status != string(a.Status) {
		a.Status = audit.Status(status)
	}
	cleanIDs(secrets, &a.ID, &a.OrgID, &a.UserID)
	for i := range a.Permissions {
		p := &a.Permissions[i]
		secrets.CleanTexts(&p.Action, &p.Resource.Type, &p.Resource.Name, &p.Resource.Org)
		cleanIDs(secrets, &p.Resource.ID, &p.Resource.OrgID)
	}
}

// cleanIDs cleans what is in the place of an ID and is none.
func cleanIDs(secrets *secret.Redactor, ids ...*string) {
	for _, id := range ids {
		if *id != "" && !target.IsID(*id) {
			secrets.CleanTexts(id)
		}
	}
}
