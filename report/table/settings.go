package table

import (
	"cmp"

	"github.com/goccy/go-yaml"

	"tokenaudit/jobs/audit"
)

// Settings are what the configuration says of a review beside its summary, in words.
type Settings struct{ MaxException, EvidenceURL string }

// Settings are those of the job of the review.
func (in Input) Settings() Settings {
	var file struct {
		Policy struct {
			MaxException string `yaml:"max_exception"`
		} `yaml:"policy"`
		Jobs []struct {
			Name        string `yaml:"name"`
			EvidenceURL string `yaml:"evidence_url"`
		} `yaml:"jobs"`
	}
	if in.Config == "" || yaml.Unmarshal([]byte(in.Config), &file) != nil {
		return Settings{"not recorded", "not recorded"}
	}
	s := Settings{cmp.Or(OneLine(file.Policy.MaxException), "not recorded"), "none is configured"}
	for _, job := range file.Jobs {
		if job.Name == in.Summary.Job && job.EvidenceURL != "" {
			s.EvidenceURL = audit.Line(job.EvidenceURL, 300)
		}
	}
	return s
}

// LatenessWords say how late a review began.
func LatenessWords(s audit.Summary) string {
	return cmp.Or(s.Run().LateWords(), "not applicable: no slot was due")
}
