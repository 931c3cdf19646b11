package audit

import "time"

// Replay judges a stored record again under another policy, as of the time of its
// review. Checks that cannot be replayed keep the findings that they had. States
// compare with the stored findings: new is what only this policy finds, resolved
// what only the stored one did.
func Replay(r Record, p Policy, at time.Time) []Finding {
	s := Subject{Authorization: r.Authorization, Access: AccessOf(r.Authorization), Owner: r.Owner, OrgDeleted: r.OrgDeleted, Exceptions: p.exceptionsFor(r.Target, r.Authorization), Policy: p, Now: at}
	before := current(r.Findings)
	judgements := judge(nil, &s, before)
	for i := range judgements {
		if judgements[i].check.Momentary {
			judgements[i].outcome = Unknown
		}
	}
	findings := append(carry(judgements, at), switchedOff(before, judgements, at)...)
	except(findings, s.Exceptions, r.Authorization, at)
	return findings
}

func current(fs []Finding) []Finding {
	var out []Finding
	for _, f := range fs {
		if f.Current() {
			out = append(out, f)
		}
	}
	return out
}

// switchedOff are findings whose check does not run under the policy.
func switchedOff(before []Finding, now []judgement, at time.Time) []Finding {
	var out []Finding
	for _, f := range before {
		runs := false
		for _, j := range now {
			runs = runs || j.check.ID == f.Check
		}
		if !runs {
			out = append(out, resolve(f, at))
		}
	}
	return out
}
