package report

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"io"
	"strings"
)

const (
	pageFile = "report.html"
	// mostRows bounds each table of the page; the CSV files have everything. That
	// both bounds are the same makes every finding shown one of a token shown.
	mostRows = 5000
)

//go:embed page.html.tmpl page.css page.js
var pageParts embed.FS

// writeHTML writes one page that needs nothing but itself: styles and script are
// inside, and its own policy forbids it every request.
func writeHTML(ctx context.Context, d *draft) error {
	v, err := newView(ctx, d)
	if err != nil {
		return err
	}
	t, err := pageTemplate()
	if err != nil {
		return err
	}
	return d.File(pageFile, func(w io.Writer) error { return v.write(w, t, d) })
}

func pageTemplate() (*template.Template, error) {
	funcs := template.FuncMap{
		"grouped": grouped, "plural": plural, "moment": moment, "day": day, "line": oneLine, "long": long,
		"limit": limit, "stored": stored, "ownerWords": ownerWords, "title": capital, "join": strings.Join,
	}
	return template.New("page").Funcs(funcs).ParseFS(pageParts, "page.html.tmpl")
}

// write puts the data of the tokens between the two halves of the template: they
// come from a file and are as long as they are.
func (v *view) write(w io.Writer, t *template.Template, d *draft) error {
	if err := t.ExecuteTemplate(w, "page", v); err != nil {
		return err
	}
	if err := v.data.write(w, d); err != nil {
		return err
	}
	return t.ExecuteTemplate(w, "end", v)
}

// pageText is a part of the page that is embedded in the program, so it is always there.
func pageText(name string) (string, error) {
	b, err := pageParts.ReadFile(name)
	return string(b), err
}

// security allows the page its own script and style, by their hashes, and nothing
// else: no request of any kind, no form, no frame.
func security(script, style string) string {
	return "default-src 'none'; script-src " + hashSource(script) + "; style-src " + hashSource(style) +
		"; img-src data:; base-uri 'none'; form-action 'none'"
}

func hashSource(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
