package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tokenaudit/configs"
	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/ledger"
	"tokenaudit/jobs/runner"
	"tokenaudit/notify"
	"tokenaudit/notify/email"
	"tokenaudit/notify/slack"
	"tokenaudit/notify/webhook"
)

// previewFlags are the flags of notify preview.
type previewFlags struct{ config, job, run, format, notifier, part string }

func (c *cli) notifyPreview() *cobra.Command {
	f := previewFlags{format: "text", part: notify.SummaryDelivery}
	cmd := &cobra.Command{
		Use:   "preview",
		Short: "Show the messages of a review, without a network",
		Long: `preview shows what each notifier of a job would send, with its present configuration.
It uses the newest review, the one named by --run, or an example if there is none yet.
A notifier that the job does not have is shown with its defaults. Preview sends nothing
and reads no secret of a notifier.

The formats are text, blocks (what Slack gets), html (the mail) and json (the body of the
webhook). blocks and html show one message, the summary or the one that --part names; paste
the blocks into the Block Kit Builder. The names of the others are on standard error.

--part campaign-open, campaign-reminder, campaign-overdue and campaign-escalation show an
example of what reviewers hear of a campaign by Slack and mail.`,
		Example: `  tokenaudit notify preview -c tokenaudit.yaml
  tokenaudit notify preview -c tokenaudit.yaml --run 2026-11-23 --format blocks
  tokenaudit notify preview -c tokenaudit.yaml --format html > mail.html
  tokenaudit notify preview -c tokenaudit.yaml --part campaign-reminder
  tokenaudit notify preview -c tokenaudit.yaml --notifier webhook`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.preview(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	configFlag(cmd, &f.config)
	jobFlag(cmd, &f.job)
	flags.Lookup("job").Usage = "the newest review of this job (default: of the first job)"
	flags.StringVar(&f.run, "run", "", "a run: latest, an ID of history list or the beginning of one")
	complete(cmd, "run", completeRuns)
	choiceFlag(cmd, &f.format, "format", "form of the messages", previewFormats...)
	flags.StringVar(&f.part, "part", f.part, "the message that blocks and html show, or of a campaign")
	choiceFlag(cmd, &f.notifier, "notifier", "one notifier, in place of all that the job has", previewNotifiers...)
	return cmd
}

var (
	previewFormats   = []string{"text", "blocks", "html", "json"}
	previewNotifiers = []string{"slack", "email", "webhook", "ping"}
)

// previewer shows what one notifier sends of a message.
type previewer struct {
	name  string
	has   func(configs.Job) bool
	forms map[string]func(io.Writer, configs.Job, notify.Message) error // by format
}

// previewers show one part where a form has room for one message only.
func (c *cli) previewers(part string) []previewer {
	type forms = map[string]func(io.Writer, configs.Job, notify.Message) error
	posted := func(w io.Writer, _ configs.Job, m notify.Message) error {
		data, err := webhook.JSON(m)
		return write(w, data, err)
	}
	return []previewer{
		{"slack", func(j configs.Job) bool { return j.Slack != nil }, forms{
			"text": func(w io.Writer, j configs.Job, m notify.Message) error {
				_, err := io.WriteString(w, slack.Text(orDefault(j.Slack), m, isTerminal(c.stdout)))
				return err
			},
			"blocks": func(w io.Writer, j configs.Job, m notify.Message) error {
				p, err := onePart(c, part, slack.Posts(orDefault(j.Slack), m), func(p slack.Post) string { return p.Delivery })
				if err != nil {
					return err
				}
				data, err := json.MarshalIndent(map[string]any{"blocks": p.Blocks}, "", "  ")
				return write(w, append(data, '\n'), err)
			},
		}},
		{"email", func(j configs.Job) bool { return j.Email != nil }, forms{
			"text": func(w io.Writer, j configs.Job, m notify.Message) error {
				mails, err := email.Preview(orDefault(j.Email), m)
				for i, mail := range mails {
					if i > 0 {
						fmt.Fprintln(w)
					}
					fmt.Fprintf(w, "To: %s\nSubject: %s\n\n%s", strings.Join(mail.To, ", "), mail.Subject, mail.Text)
				}
				return err
			},
			"html": func(w io.Writer, j configs.Job, m notify.Message) error {
				mails, err := email.Preview(orDefault(j.Email), m)
				if err != nil {
					return err
				}
				mail, err := onePart(c, part, mails, func(m email.Mail) string { return m.Delivery })
				return write(w, []byte(mail.HTML), err)
			},
		}},
		{"webhook", func(j configs.Job) bool { return j.Webhook != nil }, forms{"text": posted, "json": posted}},
		{"ping", func(j configs.Job) bool { return !j.Ping.IsZero() }, forms{
			"text": func(w io.Writer, _ configs.Job, m notify.Message) error {
				_, err := io.WriteString(w, runner.PingText(m.Summary))
				return err
			},
		}},
	}
}

// onePart is the message of that name; the names of the others are told.
func onePart[T any](c *cli, part string, all []T, name func(T) string) (found T, err error) {
	const most = 10
	at := slices.IndexFunc(all, func(t T) bool { return name(t) == part })
	var names []string
	for _, t := range all[:min(len(all), most)] {
		names = append(names, audit.Line(name(t), 120))
	}
	if more := len(all) - most; more > 0 {
		names = append(names, "and "+audit.Number(more)+" more")
	}
	if at < 0 {
		return found, usagef("--part %s: the messages are %s", part, strings.Join(names, ", "))
	}
	if len(all) > 1 {
		fmt.Fprintf(c.stderr, "tokenaudit: this is %s; --part shows one of %s\n", audit.Line(part, 120), strings.Join(names, ", "))
	}
	return all[at], nil
}

func write(w io.Writer, data []byte, err error) error {
	if err == nil {
		_, err = w.Write(data)
	}
	return err
}

func orDefault[T any](config *T) (t T) {
	if config != nil {
		t = *config
	}
	return t
}

func (c *cli) preview(ctx context.Context, f previewFlags) error {
	all := c.previewers(f.part)
	named := func(p previewer) bool { return f.notifier == p.name }
	inForm := func(p previewer) bool { return p.forms[f.format] != nil }
	switch {
	case !slices.ContainsFunc(all, inForm):
		return usagef("--format: %s", setting.Unknown("format", f.format, previewFormats))
	case f.notifier != "" && !slices.ContainsFunc(all, named):
		return usagef("--notifier: %s", setting.Unknown("notifier", f.notifier, previewNotifiers))
	case f.notifier != "" && !slices.ContainsFunc(all, func(p previewer) bool { return named(p) && inForm(p) }):
		return usagef("--notifier %s has no format %s; blocks are of Slack, html of email, json of webhook", f.notifier, f.format)
	}
	file, err := c.loadConfig(f.config)
	if err != nil {
		return err
	}
	jobs, err := chosenJobs(file, f.job)
	if err != nil {
		return err
	}
	if f.run == "" {
		f.job = jobs[0].Name
	}
	if strings.HasPrefix(f.part, "campaign-") {
		return c.previewCampaign(f, jobs[0])
	}
	m, err := f.message(ctx, c, file)
	if err != nil {
		return err
	}
	job := jobNamed(file, m.Summary.Job)
	if err := checkPart(f.part, job, m); err != nil {
		return err
	}
	shown := slices.DeleteFunc(all, func(p previewer) bool {
		return !inForm(p) || f.notifier != "" && !named(p) || f.notifier == "" && f.format == "text" && !p.has(job)
	})
	if len(shown) == 0 {
		fmt.Fprintf(c.stderr, "tokenaudit: job %q has no notifier; this is what Slack would get\n", job.Name)
		shown = c.previewers(f.part)[:1]
	}
	var out bytes.Buffer
	for i, p := range shown {
		if len(shown) > 1 {
			fmt.Fprintf(&out, "%s── %s ──\n\n", strings.Repeat("\n", min(i, 1)), p.name)
		}
		if err := p.forms[f.format](&out, job, m); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	_, err = out.WriteTo(c.data)
	return err
}

// checkPart refuses a part that no notifier sends of a message.
func checkPart(part string, job configs.Job, m notify.Message) error {
	if part == notify.SummaryDelivery {
		return nil
	}
	mails, err := email.Preview(orDefault(job.Email), m)
	if err != nil {
		return err
	}
	known := append([]string{notify.SummaryDelivery}, notify.CampaignParts()...)
	for _, p := range slack.Posts(orDefault(job.Slack), m) {
		known = append(known, p.Delivery)
	}
	for _, mail := range mails {
		known = append(known, mail.Delivery)
	}
	if slices.Contains(known, part) {
		return nil
	}
	var names []string
	for _, name := range known {
		if name = audit.Line(name, 120); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return usagef("--part: %s", setting.Unknown("part", part, names))
}

// message is that of the run that is asked for, of the newest finished one, or a
// made-up one if there is none.
func (f previewFlags) message(ctx context.Context, c *cli, file *configs.File) (notify.Message, error) {
	r, err := openReader(ctx, c, file)
	if errors.Is(err, ledger.ErrNone) && f.run == "" {
		return notify.Sample(f.job, time.Now()), checkJob(file, nil, f.job)
	}
	if err != nil {
		return notify.Message{}, err
	}
	defer r.Close()
	known, err := r.Runs(ctx)
	if err != nil {
		return notify.Message{}, err
	}
	if err := checkJob(file, known, f.job); err != nil {
		return notify.Message{}, err
	}
	run, err := runNames(known).of(f.job).latest()
	if f.run == "" && err != nil {
		return notify.Sample(f.job, time.Now()), nil
	}
	if f.run != "" {
		if run, err = runNames(known).find(f.job, f.run); err != nil {
			return notify.Message{}, err
		}
	}
	e, err := r.Find(ctx, run)
	switch {
	case err != nil:
		return notify.Message{}, err
	case e.Damaged != "":
		return notify.Message{}, errors.New(e.Damaged)
	case e.Summary == nil:
		return notify.Message{}, usagef("%s is not finished: there is nothing to say about it yet", run.ID())
	}
	snapshots, err := evidence.Open(file.Evidence, evidence.Lock{}) // asks no bucket anything
	if err != nil {
		return notify.Message{}, err
	}
	defer snapshots.Close()
	return messageWith(ctx, file, snapshots, *e.Summary, e.Highlights)
}
