package evidence

import (
	"errors"
	"time"

	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
)

// Lock keeps the objects of an evidence pack from being changed or deleted: Object
// Lock of S3. Without a mode there is none.
type Lock struct {
	// Mode of the lock: compliance, which nobody can go around, or governance, which those can who have the permission.
	Mode string `yaml:"mode"`
	// For is how long after the start of its review a pack is locked, at least 1d.
	For setting.Duration `yaml:"for"`
}

// IsZero tells whether there is no lock.
func (l Lock) IsZero() bool { return l == Lock{} }

// Validate says what is wrong with the lock.
func (l Lock) Validate(problem func(key, text string)) {
	if l.Mode != "compliance" && l.Mode != "governance" {
		problem("mode", "needs compliance or governance")
	}
	if time.Duration(l.For) < setting.Day {
		problem("for", "needs a time span of at least 1d, such as 400d")
	}
}

// CheckKeep says whether packs that are kept that long can be removed then.
func (l Lock) CheckKeep(keep setting.Limit) error {
	if keep > 0 && time.Duration(keep) < time.Duration(l.For) {
		return errors.New("is shorter than evidence_lock.for, and locked packs cannot be removed; make it as long, or off")
	}
	return nil
}

// until is when the lock of a run ends: at the same time for all of its objects and
// every attempt, unless a run is taken up so late that it has passed.
func (a Archive) until(run audit.Run) time.Time {
	if a.bucket == nil || a.bucket.lock.Mode == "" {
		return time.Time{}
	}
	span := time.Duration(a.bucket.lock.For)
	if until := run.Started.Add(span); time.Until(until) > time.Hour {
		return until
	}
	return time.Now().Add(span)
}
