package main

import (
	"fmt"
	"slices"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"tokenaudit/configs"
	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
)

func (c *cli) checks() *cobra.Command {
	var asJSON bool
	var product string
	cmd := &cobra.Command{
		Use:   "checks [ID]",
		Short: "List the checks, or explain one",
		Long:  `Lists the checks, worst first. With a product, lists those that apply there, in the words that are right there, and then why others do not. "tokenaudit help products" has the table.`,
		Example: `  tokenaudit checks
  tokenaudit checks deleted-owner
  tokenaudit checks --product core
  tokenaudit checks --json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("%s takes one argument at most; see %s --help", cmd.CommandPath(), cmd.CommandPath())
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if err := checkChoice("product", "product", product, productNames()); err != nil {
				return err
			}
			if len(args) == 0 {
				return c.listChecks(audit.Product(product), asJSON)
			}
			return c.explainCheck(args[0], audit.Product(product), asJSON)
		},
		ValidArgsFunction: oneOf(checkIDs()),
	}
	choiceFlag(cmd, &product, "product", "only for one product", productNames()...)
	jsonFlag(cmd, &asJSON)
	return cmd
}

func productNames() []string {
	return namesOf(audit.Products(), func(p audit.Product) string { return string(p) })
}

// checkJSON is a check in the JSON of checks.
type checkJSON struct {
	ID       string          `json:"id"`
	Severity audit.Severity  `json:"severity"`
	Title    string          `json:"title"`
	Why      string          `json:"why"`
	Fix      string          `json:"fix"`
	Controls []audit.Control `json:"controls"`
	// Products are all, or the one that was asked for.
	Products []checkProductJSON `json:"products"`
}

// checkProductJSON is what a check is to a product.
type checkProductJSON struct {
	Product audit.Product `json:"product"`
	Applies bool          `json:"applies"`
	Reason  string        `json:"reason"` // why it does not apply
}

func newCheckJSON(check audit.Check, controls audit.Controls, products []audit.Product) checkJSON {
	out := checkJSON{check.ID, check.Severity, check.Title, check.Why, check.Fix, append([]audit.Control{}, controls[check.ID]...), []checkProductJSON{}}
	for _, p := range products {
		reason, applies := p.Judges(check.ID)
		out.Products = append(out.Products, checkProductJSON{p, applies, reason})
	}
	return out
}

// productsOf are all for no product.
func productsOf(p audit.Product) []audit.Product {
	if p == "" {
		return audit.Products()
	}
	return []audit.Product{p}
}

// checksBySeverity are the checks, those of the worst severity first.
func checksBySeverity() []audit.Check {
	all := audit.Checks()
	slices.SortStableFunc(all, func(a, b audit.Check) int {
		return slices.Index(audit.Severities(), a.Severity) - slices.Index(audit.Severities(), b.Severity)
	})
	return all
}

func (c *cli) listChecks(p audit.Product, asJSON bool) error {
	if asJSON {
		controls, err := configs.Controls()
		if err != nil {
			return err
		}
		list := []checkJSON{}
		for _, check := range checksBySeverity() {
			list = append(list, newCheckJSON(check.On(p), controls, productsOf(p)))
		}
		return c.encode(list)
	}
	t := newTable(column{name: "ID"}, column{name: "SEVERITY"}, column{name: "MATCHES", shrink: 20})
	others := newTable(column{name: "NOT THERE"}, column{name: "BECAUSE", shrink: 20})
	for _, check := range checksBySeverity() {
		check = check.On(p)
		if reason, applies := p.Judges(check.ID); !applies && p != "" {
			others.row(check.ID, reason)
			continue
		}
		t.row(check.ID, c.paint.severity(check.Severity), check.Title)
	}
	out := t.render(c.columns())
	if p != "" {
		out = p.Name() + "\n\n" + out + "\n\n" + others.render(c.columns())
	}
	_, err := fmt.Fprintln(c.stdout, out)
	return err
}

func (c *cli) explainCheck(id string, p audit.Product, asJSON bool) error {
	at := slices.Index(checkIDs(), id)
	if at < 0 {
		return usagef("%s", setting.Unknown("check", id, checkIDs()))
	}
	controls, err := configs.Controls() // those that come with the program
	if err != nil {
		return err
	}
	check := audit.Checks()[at].On(p)
	if asJSON {
		return c.encode(newCheckJSON(check, controls, productsOf(p)))
	}
	fmt.Fprintf(c.stdout, "%s (%s)\n%s\n", check.ID, c.paint.severity(check.Severity), check.Title)
	fmt.Fprintf(c.stdout, "\nWhy it matters\n%s\n", text.WrapSoft(check.Why, 80))
	fmt.Fprintf(c.stdout, "\nHow to fix it\n%s\n\nRelates to\n", text.WrapSoft(check.Fix, 80))
	t := newTable(column{name: "FRAMEWORK"}, column{name: "CONTROL"}, column{name: "TITLE", shrink: 20}, column{name: "RELATION", drop: 1})
	for _, related := range controls[id] {
		t.row(related.Framework+" "+related.Version, related.ID, related.Title, related.Strength)
	}
	fmt.Fprintf(c.stdout, "%s\n\nApplies to\n", t.render(c.columns()))
	t = newTable(column{name: "PRODUCT"}, column{name: "APPLIES"}, column{name: "WHY NOT", shrink: 20})
	for _, p := range productsOf(p) {
		reason, applies := p.Judges(id)
		t.row(p.Name(), map[bool]string{true: "yes", false: "no"}[applies], reason)
	}
	_, err = fmt.Fprintf(c.stdout, "%s\n\nTo change its severity or switch it off\n  policy:\n    severity: {%s: low}   # or off\n", t.render(c.columns()), check.ID)
	return err
}
