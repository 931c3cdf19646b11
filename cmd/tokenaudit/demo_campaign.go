package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/xuri/excelize/v2"

	"tokenaudit/configs"
	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
	"tokenaudit/report/signature"
)

// Who signs in the demo: the program its packs, and the people who decide.
const (
	demoSigner   = "demo@tokenaudit"
	demoReviewer = "secops@example.com"
	demoManager  = "ciso@example.com"
)

// demoCampaigns are those of the configuration of the demo.
func demoCampaigns(out string) []configs.Campaign {
	c := configs.DefaultCampaign()
	c.Name, c.Job, c.Reviewer, c.Manager = "quarterly", "weekly-review", demoReviewer, demoManager
	c.Signers, c.Basis = setting.Path(filepath.Join(out, demoSigners)), "TRA-2026-07, section 3 (PCI DSS 12.3.1)"
	return []configs.Campaign{c}
}

// demoCampaign opens a campaign on a review, fills in the file of the reviewer and imports
// it with a signature, and closes the campaign with the one of the manager. It ends with the
// book.
func (c *cli) demoCampaign(ctx context.Context, a *app, keys map[string]string, out string, at time.Time) (*campaign.Book, error) {
	quiet := *c
	quiet.stdout = io.Discard
	cs := &campaigns{file: a.file, archive: a.snapshots, now: at}
	b, _, err := cs.openNow(ctx, a.runner.Log, 0)
	if err != nil {
		return nil, err
	}
	cs.now = at.AddDate(0, 0, 1)
	file, err := reviewerFile(b, demoReviewer, "xlsx", false)
	if err == nil {
		file, err = fillIn(file, b)
	}
	if err != nil {
		return nil, err
	}
	path := filepath.Join(out, "reviews", campaign.FileName(demoReviewer)+".xlsx")
	if err := writeSigned(path, file, []byte(keys[demoReviewer])); err != nil {
		return nil, err
	}
	refused, err := quiet.importFile(ctx, cs, b.ID(), path, false)
	if err == nil && refused > 0 {
		err = fmt.Errorf("%s of the demo's own file refused", audit.Plural(refused, "row"))
	}
	if err != nil {
		return nil, err
	}
	b, folder, err := cs.choose(ctx, b.ID())
	if err != nil {
		return nil, err
	}
	cs.now = cs.now.Add(time.Hour)
	if err := cs.closeBook(ctx, folder, b, ""); err != nil {
		return nil, err
	}
	statement, err := folder.Read(ctx, campaign.ClosedFile)
	if err != nil {
		return nil, err
	}
	path = filepath.Join(out, "reviews", campaign.ClosedFile)
	if err := writeSigned(path, statement, []byte(keys[demoManager])); err != nil {
		return nil, err
	}
	_, err = quiet.importFile(ctx, cs, b.ID(), path+campaign.SignatureSuffix, false)
	return b, err
}

// writeSigned writes a file of people, and their signature beside it.
func writeSigned(path string, content, key []byte) error {
	signer, err := signature.ParseKey(key)
	if err != nil {
		return err
	}
	signed, err := signature.Sign(content, signer, campaign.Namespace)
	if err != nil {
		return err
	}
	return errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, content, 0o600), os.WriteFile(path+campaign.SignatureSuffix, signed, 0o600))
}

// fillIn decides in the workbook of a reviewer, as a person would in a spreadsheet.
func fillIn(file []byte, b *campaign.Book) ([]byte, error) {
	f, err := excelize.OpenReader(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	sheet := f.GetSheetName(0)
	rows, err := f.GetRows(sheet)
	if err != nil {
		return nil, err
	}
	column := func(name string) int { return slices.Index(rows[0], name) + 1 }
	items := map[string]campaign.Item{}
	for _, l := range b.Lines(b.ItemsOf(demoReviewer)) {
		items[l.ID] = l.Items[0]
	}
	for i, row := range rows[1:] {
		decision, reason := demoDecision(items[row[column("Item")-1]])
		for name, text := range map[string]string{"Decision": string(decision), "Justification": reason} {
			cell, err := excelize.CoordinatesToCellName(column(name), i+2)
			if err == nil {
				err = f.SetCellStr(sheet, cell, text)
			}
			if err != nil {
				return nil, err
			}
		}
	}
	var out bytes.Buffer
	_, err = f.WriteTo(&out)
	return out.Bytes(), err
}

// demoDebugging is a token that the demo decides to revoke, and that nobody deletes.
const demoDebugging = "temporary debugging"

func demoDecision(it campaign.Item) (campaign.Kind, string) {
	switch {
	case it.OwnerState == audit.OwnerDeleted:
		return campaign.Revoke, "its owner left, and nothing uses it any more"
	case it.Description == demoMigration:
		return campaign.Revoke, "it has expired, and the migration is done"
	case it.Product.V3():
		return campaign.Keep, fmt.Sprintf("the factory needs it (%s)", it.Class)
	case it.Description == demoDebugging:
		return campaign.Revoke, "the debugging is over"
	}
	return campaign.Keep, fmt.Sprintf("%s confirms that it is in use (%s)", audit.Line(it.OwnerName(), 40), it.Class)
}
