package campaign

import (
	"context"
	"fmt"
	"strings"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
	"tokenaudit/report/pack"
)

// Load reads a campaign to go on with it. It refuses one whose lines do not follow from the
// files that people sent, and from one another: the next step would write sums over what
// was changed. The error is an *AlteredError then.
func Load(ctx context.Context, f Folder) (*campaign.Book, error) {
	files, err := readAll(ctx, f)
	if err != nil {
		return nil, err
	}
	v := &verifier{Result: &Result{}, files: files}
	if v.book, err = campaign.Load(ctx, memory(files)); err != nil {
		return nil, err
	}
	v.ID = v.book.ID()
	v.imports()
	v.items()
	v.replay()
	v.assignments()
	v.remediation()
	v.closing(ctx)
	if len(v.Problems) > 0 {
		return nil, &AlteredError{v.Problems}
	}
	return v.book, ctx.Err()
}

// AlteredError is a campaign that was changed by somebody else.
type AlteredError struct{ Problems []pack.Problem }

func (e *AlteredError) Error() string {
	const most = 3
	var parts []string
	for _, p := range e.Problems[:min(len(e.Problems), most)] {
		parts = append(parts, p.File+" "+p.Text)
	}
	if more := len(e.Problems) - most; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return "its evidence was changed: " + audit.Line(strings.Join(parts, "; "), 1000) + ". Restore its folder from a backup; tokenaudit verify says more"
}
