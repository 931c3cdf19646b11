package html

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/reporttest"
	"tokenaudit/report/table"
)

const (
	shownIDs   = `[...document.querySelectorAll("#tokens tr.on code")].map(e => e.textContent).join()`
	allShown   = `document.querySelector("[data-more=all]").click()`
	shownNames = `[...document.querySelectorAll("#tokens tr.on .open")].map(e => e.textContent).join("|")`
	matching   = `Number(document.querySelector("#tokens .count").textContent.match(/(?:of )([\d,]+)/)?.[1].replaceAll(",", "") ?? 0)`
)

// TestBrowserFilters: each filter, by the fragment that shares it, shows those that Go finds.
func TestBrowserFilters(t *testing.T) {
	t.Parallel()
	const n = 600
	b := browse(t, crowd(t, n))
	now := reporttest.Began
	type match = func(r audit.Record) bool
	has := func(wanted func(audit.Finding) bool) match {
		return func(r audit.Record) bool {
			return slices.ContainsFunc(r.Findings, func(f audit.Finding) bool { return f.Reported(now) && wanted(f) })
		}
	}
	needs := func(r audit.Record) bool { return r.NeedsAction(now) }
	for fragment, want := range map[string]match{
		"":             needs,
		"show=all":     func(audit.Record) bool { return true },
		"show=new":     func(r audit.Record) bool { return needs(r) && !r.NeededAction },
		"show=overdue": has(func(f audit.Finding) bool { return f.Overdue(now) }),
		"show=fixed": func(r audit.Record) bool {
			return r.NeededAction && !needs(r) && !has(func(f audit.Finding) bool { return f.State == audit.Excepted && f.Severity.AtLeast(audit.High) })(r)
		},
		"target=office":              func(r audit.Record) bool { return r.Target == "office" },
		"check=operator":             has(func(f audit.Finding) bool { return f.Check == "operator" }),
		"state=resolved":             has(func(f audit.Finding) bool { return f.State == audit.Resolved }),
		"severity=low":               has(func(f audit.Finding) bool { return f.Severity == audit.Low }),
		"severity=high&state=new":    has(func(f audit.Finding) bool { return f.Severity == audit.High && f.State == audit.New }),
		"check=operator&show=action": has(func(f audit.Finding) bool { return f.Check == "operator" && f.NeedsAction(now) }),
		"owner=svc-1":                func(r audit.Record) bool { return strings.HasPrefix(r.Owner.Name, "svc-1") },
		"owner=%22SVC-1%22":          func(r audit.Record) bool { return r.Owner.Name == "svc-1" },
		"owner=lindqvist&target=office": func(r audit.Record) bool {
			return r.Target == "office" && (r.Owner.Name == "svc-3" || r.Owner.Name == "svc-4")
		},
		"q=GATEWAY+00025": func(r audit.Record) bool { return strings.Contains(r.Description+" "+r.ID, "00025") },
		"check=no-such":   func(audit.Record) bool { return false },
		"severity=%22%3E": func(audit.Record) bool { return false },
	} {
		b.follow(fragment)
		b.do(chromedp.Evaluate[chromedp.Void](allShown))
		var ids []string
		for i := range n {
			if r := member(i); want(r) {
				ids = append(ids, r.ID)
			}
		}
		got := strings.FieldsFunc(ask[string](b, shownIDs), func(r rune) bool { return r == ',' })
		slices.Sort(got)
		if !slices.Equal(got, ids) {
			t.Errorf("#%s shows %d, want %d", fragment, len(got), len(ids))
		}
	}
	b.wasQuiet()
}

// follow changes the fragment of the address, and waits until the page has taken it up.
func (b *browser) follow(fragment string) {
	b.t.Helper()
	b.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`(async () => {
		const before = location.hash, done = new Promise((r) => addEventListener("hashchange", r, { once: true }));
		location.hash = %q;
		if (location.hash !== before) await done;
	})()`, fragment), chromedp.EvalAwaitPromise))
}

// TestBrowserFiguresLeadToTheirTokens: each figure of the first page, and the rows behind it.
func TestBrowserFiguresLeadToTheirTokens(t *testing.T) {
	t.Parallel()
	b := browse(t, crowd(t, 600))
	type figure struct{ What, Href, Figure string }
	all := ask[[]figure](b, `[...document.querySelectorAll("#decide tbody tr, #who tbody tr, .tile:has(a[href^='#show=action'], a[href^='#show=new'], a[href^='#show=overdue'], a[href^='#show=fixed'])")]
		.map(e => ({What: e.innerText.replaceAll("\n", " "), Href: e.querySelector("a").getAttribute("href"), Figure: e.querySelector("b").textContent}))`)
	if len(all) < 15 {
		t.Fatalf("only %d figures", len(all))
	}
	for _, f := range all {
		b.follow(strings.TrimPrefix(f.Href, "#"))
		b.do(chromedp.Evaluate[chromedp.Void](allShown))
		if n := fmt.Sprint(ask[int](b, `document.querySelectorAll("#tokens tr.on").length`)); n != f.Figure {
			t.Errorf("%s: %s leads to %s rows", f.What, f.Href, n)
		}
	}
	b.wasQuiet()
}

// TestBrowserKeepsTheViewInTheAddress: what is typed is in the fragment, and the fragment
// gives the same view again.
func TestBrowserKeepsTheViewInTheAddress(t *testing.T) {
	t.Parallel()
	b := browse(t, crowd(t, 300))
	b.do(chromedp.SendKeys(chromedp.CSS("#tokens input[name=owner]"), "svc-1"), chromedp.SetValue(chromedp.CSS("#tokens select[name=show]"), "all"))
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#tokens select").dispatchEvent(new Event("input", {bubbles: true}))`))
	if got := ask[string](b, "location.hash"); got != "#owner=svc-1&show=all" {
		t.Errorf("the fragment is %s", got)
	}
	before := ask[string](b, shownIDs)
	b.do(chromedp.Reload())
	if got := ask[string](b, shownIDs); got != before || got == "" {
		t.Errorf("shows %q, and %q before", got, before)
	}
	b.do(chromedp.Click(chromedp.CSS("#tokens button[type=reset]")), chromedp.Poll[chromedp.Void](`location.hash === ""`))
	if got := ask[string](b, `document.querySelector("#tokens select[name=show]").value`); got != "action" {
		t.Errorf("shows %s after Clear", got)
	}
	b.wasQuiet()
}

func TestBrowserShowsMore(t *testing.T) {
	t.Parallel()
	b := browse(t, crowd(t, 500))
	rows := `document.querySelectorAll("#tokens tr.on").length`
	b.follow("show=all")
	if n := ask[int](b, rows); n != 100 {
		t.Errorf("%d rows at first, want 100", n)
	}
	b.do(chromedp.Click(chromedp.CSS("[data-more='200']")))
	if n, words := ask[int](b, rows), ask[string](b, `document.querySelector("#tokens .count").textContent`); n != 300 || words != "300 of 500 rows shown. The page has 500 rows." {
		t.Errorf("%d rows, %s", n, words)
	}
	b.do(chromedp.Click(chromedp.CSS("[data-more=all]")))
	if n := ask[int](b, rows); n != 500 {
		t.Errorf("%d rows, want all", n)
	}
	if blank := ask[int](b, `[...document.querySelectorAll("#tokens tr.on")].filter(r => !r.checkVisibility() || !r.innerText.includes("gateway")).length`); blank > 0 {
		t.Errorf("%d rows are blank", blank)
	}
	b.wasQuiet()
}

func TestBrowserSorts(t *testing.T) {
	t.Parallel()
	b := browse(t, crowd(t, 300))
	b.follow("show=all")
	sort := func() (string, string) {
		b.do(chromedp.Click(chromedp.CSS("#tokens th:nth-child(1) button")))
		return ask[string](b, shownNames+`.split("|")[0]`), ask[string](b, `document.querySelector("#tokens th:nth-child(1)").ariaSort`)
	}
	if first, order := sort(); first != "telegraf on gateway 00000" || order != "ascending" {
		t.Errorf("%s: first is %s", order, first)
	}
	if first, order := sort(); first != "telegraf on gateway 00299" || order != "descending" {
		t.Errorf("%s: first is %s", order, first)
	}
	b.wasQuiet()
}

// Everything here is done by keys.
func TestBrowserOpensAToken(t *testing.T) {
	t.Parallel()
	b := browse(t, rich(t))
	b.do(chromedp.SendKeys(chromedp.CSS("#tokens input[name=q]"), "000000000000a028"))
	b.do(chromedp.Focus(chromedp.CSS("#tokens tr.on .open")), chromedp.KeyEvent(kb.Enter))
	got := ask[string](b, `document.querySelector("dialog[open]")?.innerText ?? "closed"`)
	at := 0
	for _, want := range []string{
		"000000000000a028", "critical", "May write", "all orgs", "Owner", "Created", "Findings", "Writes to every org (operator token)", "open since", "How to fix it: Replace it",
		"influx auth inactive --id 000000000000a028", "Permissions: ", "buckets", "More from the API", "Controls that these findings relate to",
	} {
		next := strings.Index(got[at:], want)
		if next < 0 {
			t.Fatalf("no %q after %d in %s", want, at, got)
		}
		at += next
	}
	if strings.Contains(got, "PCI DSS") {
		t.Error("the controls are not folded")
	}
	if hash := ask[string](b, "location.hash"); !strings.HasSuffix(hash, "&token=000000000000a028") {
		t.Errorf("the fragment is %s", hash)
	}
	b.do(chromedp.KeyEvent(kb.Escape))
	if open := ask[bool](b, `document.querySelector("dialog").open`); open {
		t.Error("Escape does not close it")
	}
	if focus := ask[string](b, `document.activeElement.className`); focus != "open" {
		t.Errorf("the focus is on %q afterwards", focus)
	}
	b.do(chromedp.Poll[chromedp.Void](`location.hash === "#q=000000000000a028&show=action"`)) // the event of closing comes later
	b.wasQuiet()
}

// TestBrowserOpensATokenOfEachProduct: in the words of the product, with its dates.
func TestBrowserOpensATokenOfEachProduct(t *testing.T) {
	t.Parallel()
	for address, wanted := range map[string][]string{
		"core,0000000000000002":                                {"expired", "Product", "InfluxDB 3 Core", "Expires (UTC)", "2026-11-18", "the whole server: all databases and tokens", "server"},
		"enterprise,0000000000000002":                          {"gone (does not exist)", "database", "InfluxDB 3 Enterprise"},
		"cloud-dedicated,0198f4a2-0000-7000-8000-000000000001": {"revoked", "Revoked (UTC)", "2026-11-19", "InfluxDB Cloud Dedicated"},
		"v1,user/root":                                         {"InfluxDB 1.x", "influx -execute 'REVOKE ALL PRIVILEGES FROM \"root\"'"},
	} {
		target, id, _ := strings.Cut(address, ",")
		b := browse(t, reporttest.Family(t))
		b.follow("show=all&target=" + target + "&token=" + id)
		b.do(chromedp.Poll[chromedp.Void](`document.querySelector("dialog[open]") !== null`))
		b.do(chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("dialog details").forEach(d => { d.open = true; })`))
		got := ask[string](b, `document.querySelector("dialog[open]")?.innerText ?? "closed"`)
		for _, want := range append(wanted, id) {
			if !strings.Contains(got, want) {
				t.Errorf("%s lacks %q: %s", address, want, got)
			}
		}
		if strings.Contains(got, "every org") || strings.Contains(got, "bucket") {
			t.Errorf("%s has words of InfluxDB 2: %s", address, got)
		}
	}
}

// TestBrowserLinkOpensAToken: with the target where two have the same ID.
func TestBrowserLinkOpensAToken(t *testing.T) {
	t.Parallel()
	here, there := member(1), member(4)
	here.Target, there.Target, there.ID = "plant", "office", here.ID
	var records []audit.Record
	for i := range 300 {
		records = append(records, member(i))
	}
	records[1] = here
	records = append(records, there)
	in := of(t, records)
	for _, c := range []struct{ fragment, want string }{
		{"token=" + member(299).ID, "telegraf on gateway 00299"},
		{"token=" + here.ID + "&target=office", "telegraf on gateway 00004"},
		{"token=" + here.ID + "&target=plant", "telegraf on gateway 00001"},
		{"token=" + here.ID, ""},
		{"token=ffffffffffffffff", ""},
	} {
		b := browse(t, in)
		b.follow(c.fragment)
		if got := ask[string](b, `document.querySelector("dialog[open] h2")?.textContent ?? ""`); got != c.want {
			t.Errorf("#%s opens %q, want %q", c.fragment, got, c.want)
		}
		lost := ask[string](b, `document.getElementById("lost").hidden ? "" : document.getElementById("lost").textContent`)
		if missing := c.fragment == "token=ffffffffffffffff"; missing != strings.Contains(lost, "Token ffffffffffffffff is not on this page") {
			t.Errorf("#%s says %q", c.fragment, lost)
		}
		if c.fragment == "token="+here.ID {
			if got := ask[string](b, shownIDs); got != here.ID+","+here.ID {
				t.Errorf("of two tokens with the ID it shows %s", got)
			}
		}
		b.wasQuiet()
	}
}

func TestBrowserHostileTextIsText(t *testing.T) {
	t.Parallel()
	b := browse(t, attacked(t))
	for i := range breakouts() {
		b.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf("showToken(%d)", i)))
		if n := ask[int](b, `document.querySelectorAll("dialog :is(img, script, [onerror], [onmouseover]), main :is(img, script, [onerror], [onmouseover])").length`); n > 0 {
			t.Errorf("%.40q: %d elements of its own", breakouts()[i], n)
		}
		b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("dialog").close()`))
	}
	b.follow("show=all&owner=" + url.QueryEscape(breakouts()[0]) + "&check=" + url.QueryEscape(breakouts()[2]) + "&token=" + url.QueryEscape(breakouts()[3]))
	b.follow("show=all")
	if got := strings.Split(ask[string](b, shownNames), "|"); !slices.Contains(got, breakouts()[0]) {
		t.Errorf("shown as %q", got)
	}
	if n := ask[int](b, `document.querySelectorAll("main :is(img, script, [onerror], [onmouseover])").length`); n > 0 {
		t.Errorf("a fragment makes %d elements", n)
	}
	b.wasQuiet()
}

func TestBrowserWithoutScript(t *testing.T) {
	t.Parallel()
	b := browse(t, crowd(t, 700))
	off := chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	})
	b.do(off, chromedp.Reload())
	text, err := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS("#tokens")))
	if err != nil || !strings.Contains(text, "need JavaScript") || !strings.Contains(text, member(699).ID) {
		t.Errorf("%v: %.300s", err, text)
	}
	b.do(onPaper)
	const rows = `[...document.querySelectorAll("#tokens tbody tr")].filter(r => r.checkVisibility()).length`
	if n := ask[int](b, rows); n != 500 {
		t.Errorf("%d rows on paper, want 500", n)
	}
}

// onPaper shows the page as it is printed.
var onPaper = chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
	_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
	return err
})

func TestBrowserFitsEveryWidth(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]table.Input{"fixture": rich(t), "hostile": attacked(t), "crowd": crowd(t, 200), "family": reporttest.Family(t)} {
		b := browse(t, in)
		b.follow("show=all")
		b.do(chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("details").forEach(d => { d.open = true; }); showToken(0)`))
		for _, width := range []int64{390, 768, 1024, 1280, 1600} {
			b.do(chromedp.EmulateViewport(width, 900))
			if got := ask[int64](b, "document.documentElement.scrollWidth"); got > width {
				t.Errorf("%s: %d wide on %d", name, got, width)
			}
			if got := ask[bool](b, `(d => d.scrollWidth > d.clientWidth)(document.querySelector("dialog"))`); got {
				t.Errorf("%s: the details are too wide on %d", name, width)
			}
		}
	}
}

// TestBrowserNamesAreWhole: IDs and e-mail addresses stay in one piece where there is room.
func TestBrowserNamesAreWhole(t *testing.T) {
	t.Parallel()
	r := member(1)
	r.Owner.Name = "johannes-christian.mueller-luedenscheidt@plant-engineering.example.com"
	b := browse(t, of(t, []audit.Record{r}))
	b.follow("show=all")
	for _, width := range []int64{390, 1280} {
		b.do(chromedp.EmulateViewport(width, 900))
		if lines := ask[int](b, `((r) => { r.selectNodeContents(document.querySelector("#tokens tr.on .id")); return r.getClientRects().length; })(document.createRange())`); lines != 1 {
			t.Errorf("the ID has %d lines on %d", lines, width)
		}
		if name := ask[string](b, `document.querySelector("#tokens tr.on .name").innerText.replaceAll("\n", "")`); name != r.Owner.Name {
			t.Errorf("the owner is %q", name)
		}
	}
}

// TestBrowserPrints: the summary and the action list, whatever the population.
func TestBrowserPrints(t *testing.T) {
	t.Parallel()
	b := browse(t, crowd(t, 4000))
	if need := ask[int](b, matching); need < 600 {
		t.Fatalf("only %d need action", need)
	}
	pdf, err := chromedp.Run(b.ctx, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize()))
	if err != nil {
		t.Fatal(err)
	}
	if pages := len(regexp.MustCompile(`/Type\s*/Page[^s]`).FindAll(pdf, -1)); pages < 10 || pages > 60 {
		t.Errorf("%d pages", pages)
	}
	b.do(onPaper)
	for what, want := range map[string]bool{
		"#verdict": true, "#decide": true, "#who": true, "#seen": true, "#tokens tbody tr.print": true, ".onpaper": true,
		"nav": false, ".tools": false, ".pager": false, "#checks": false, "#coverage": false, "#figures": false, "#about": false,
	} {
		if got := ask[bool](b, fmt.Sprintf(`document.querySelector(%q).checkVisibility()`, what)); got != want {
			t.Errorf("%s on paper: %v", what, got)
		}
	}
	if n := ask[int](b, `[...document.querySelectorAll("#tokens tbody tr")].filter(r => r.checkVisibility()).length`); n != 500 {
		t.Errorf("%d rows on paper, want 500", n)
	}
}
