package histories

import (
	"slices"

	"tokenaudit/jobs/audit"
)

// review is a review, and what must be true of it.
func (h *history) review() {
	h.Helper()
	s, records := h.reviewer.Review(h.T, h.target, h.now)
	h.now = h.now.AddDate(0, 0, 7)
	h.tell("review %s: %s %q", s.ID, s.Coverage.Verdict, s.Coverage.Reasons)
	rows, now, of := map[string]audit.Record{}, map[string]bool{}, h.target.Job+"/"+h.target.Name
	for _, rec := range records {
		rows[rec.ID] = rec
		k := h.tokens[rec.ID]
		if k == nil {
			continue
		}
		if rec.Presence == audit.Gone && k.exists {
			h.Errorf("%s is called gone and exists: %s", rec.ID, rec.Evidence)
		}
		for _, f := range rec.Findings {
			if f.Check == "permission-drift" {
				h.Errorf("%s: %s, and nobody changed it", rec.ID, f.Detail)
			}
			if stands, known := k.stands(f.Check); known && stands && f.State == audit.Resolved && f.Since.Equal(s.Started) {
				h.Errorf("%s: %s is resolved, and its cause stands", rec.ID, f.Check)
			}
		}
		h.again(s, rec, k, of)
		if rec.Exists() && k.exists {
			now[rec.ID], k.known = true, true
		}
		if rec.Presence == audit.Listed {
			delete(h.retired, k.source())
		}
	}
	for id := range h.reported[of] {
		if k := h.tokens[id]; k.exists && !now[id] && !h.retired[k.source()] {
			h.Errorf("%s exists, was reported by the review of %s before, and is not now", id, of)
		}
	}
	h.reported[of] = now
	h.remembered(s, now)
	if s.Coverage.Verdict == audit.Complete {
		h.whole(rows)
	}
}

// again: what is listed again after it was gone is said to be, and what any review saw is
// not new.
func (h *history) again(s *audit.Summary, rec audit.Record, k *truth, of string) {
	h.Helper()
	switch rec.Presence {
	case audit.Gone:
		if k.gone == nil {
			k.gone = map[string]bool{}
		}
		k.gone[of], k.known = true, false
	case audit.Listed, audit.Hidden:
		if k.seen && !k.legacy && rec.FirstSeen.Equal(s.Started) {
			h.Errorf("%s is called new, and an earlier review saw it", rec.ID)
		}
		if k.gone[of] && !slices.ContainsFunc(rec.Findings, func(f audit.Finding) bool { return f.Check == "back-again" && f.Current() }) {
			h.Errorf("%s was gone for %s and is back, which is not said", rec.ID, of)
		}
		k.seen = true
		delete(k.gone, of)
	}
}

// remembered: what any review knew of the orgs that answer is in every later one, by
// whatever job and name.
func (h *history) remembered(s *audit.Summary, now map[string]bool) {
	h.Helper()
	var answered []string
	for _, t := range s.Coverage.Targets {
		if !t.Dropped {
			answered = append(answered, t.Sources...)
		}
	}
	for id, k := range h.tokens {
		if k.on == h.here() && k.exists && k.known && slices.Contains(answered, k.source()) && !now[id] && !h.retired[k.source()] {
			h.Errorf("%s exists, was known to an earlier review, and is not to this one", id)
		}
	}
}

// whole: a review that is complete lacks nothing that is stored.
func (h *history) whole(rows map[string]audit.Record) {
	h.Helper()
	in := h.here()
	for id, k := range h.tokens {
		if k.on != in || !k.exists || h.target.Org != "" && k.OrgID != in.acme {
			continue
		}
		if k.legacy && !k.known && (k.ownerDeleted() || k.orgDeleted()) {
			continue // no list has it, and it is not counted
		}
		rec := rows[id]
		if !rec.Exists() || rec.ID == "" {
			h.Errorf("complete, and %s of user %s, which exists, is missing", id, k.UserID)
		}
		for _, check := range []string{"active-write", "deleted-owner", "deleted-org"} {
			found := slices.ContainsFunc(rec.Findings, func(f audit.Finding) bool { return f.Check == check && f.Current() })
			if stands, _ := k.stands(check); stands && !found && check != h.target.Off {
				h.Errorf("complete, and %s is not said of %s", check, id)
			}
		}
	}
}
