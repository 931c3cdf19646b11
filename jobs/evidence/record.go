package evidence

import (
	"io"
	"iter"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"tokenaudit/jobs/audit"
)

// lines is the form of a snapshot: one JSON object a line, as encoding/json writes
// audit.Record without escapes for HTML. Snapshots are read for ever, so that it stays.
func lines() json.Options {
	return json.JoinOptions(
		jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true), jsontext.EscapeForJS(true),
		json.FormatNilSliceAsNull(true), jsonv1.OmitEmptyWithLegacySemantics(true),
	)
}

func writeLines(w io.Writer, records iter.Seq2[audit.Record, error]) error {
	encoder := jsontext.NewEncoder(w, lines())
	for r, err := range records {
		if err != nil {
			return err
		}
		if err := json.MarshalEncode(encoder, &r); err != nil {
			return err
		}
	}
	return nil
}

// readLines ends with an error where a line is cut or is no record.
func readLines(r io.Reader) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		decoder := jsontext.NewDecoder(r, lines())
		for {
			var record audit.Record
			err := json.UnmarshalDecode(decoder, &record)
			if err == io.EOF {
				return
			}
			if !yield(record, err) || err != nil {
				return
			}
		}
	}
}
