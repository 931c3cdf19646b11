package html

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

const shown = `[...document.querySelectorAll("#authorizations tr.on .open")].map(e => e.textContent).join("|")`

func TestBrowserSearchNarrows(t *testing.T) {
	t.Parallel()
	b := browse(t, crowd(t, 1500))
	if n := ask[int](b, `document.querySelectorAll("#authorizations tr.on").length`); n != 50 {
		t.Errorf("%d rows on the first page, want 50", n)
	}
	b.do(chromedp.SendKeys(chromedp.CSS("#authorizations input"), "GATEWAY 00025"))
	found := strings.Split(ask[string](b, shown), "|")
	if !slices.Contains(found, "telegraf on gateway 00025") || len(found) > 20 {
		t.Errorf("found %q", found)
	}
	b.do(chromedp.Click(chromedp.CSS("#authorizations button[type=reset]")), chromedp.SetValue(chromedp.CSS("#authorizations select[name=owner]"), "unknown"))
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#authorizations select[name=owner]").dispatchEvent(new Event("input", {bubbles: true}))`))
	if owners := ask[string](b, `[...new Set([...document.querySelectorAll("#authorizations tr.match")].map(r => r.dataset.owner))].join()`); owners != "unknown" {
		t.Errorf("the filter leaves %s", owners)
	}
	b.wasQuiet()
}

func TestBrowserSorts(t *testing.T) {
	t.Parallel()
	b := browse(t, crowd(t, 300))
	sort := func() (string, string) {
		b.do(chromedp.Click(chromedp.CSS("#authorizations th:nth-child(2) button")))
		return ask[string](b, shown+`.split("|")[0]`), ask[string](b, `document.querySelector("#authorizations th:nth-child(2)").ariaSort`)
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
	b.do(chromedp.SendKeys(chromedp.CSS("#authorizations input"), "operator"))
	b.do(chromedp.Focus(chromedp.CSS("#authorizations tr.on .open")), chromedp.KeyEvent(kb.Enter))
	got := ask[string](b, `document.querySelector("dialog[open]")?.innerText ?? "closed"`)
	for _, want := range []string{"Writes to every org (operator token)", "What to do: Replace it", "every org", "buckets", "listed by GET /api/v2/users", "000000000000a028", "Relates to PCI DSS 4.0.1 7.2.5.1"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
	b.do(chromedp.KeyEvent(kb.Escape))
	if open := ask[bool](b, `document.querySelector("dialog").open`); open {
		t.Error("Escape does not close it")
	}
	if focus := ask[string](b, `document.activeElement.className`); focus != "open" {
		t.Errorf("the focus is on %q afterwards", focus)
	}
	b.wasQuiet()
}

func TestBrowserFollowsAFigure(t *testing.T) {
	t.Parallel()
	b := browse(t, rich(t))
	b.do(chromedp.Click(chromedp.CSS(`#changes a[data-state=resolved]`)), chromedp.Poll[chromedp.Void](`[...document.querySelectorAll("#findings tr.match")].every(r => r.dataset.state === "resolved")`))
	if n := ask[int](b, `document.querySelectorAll("#findings tr.on").length`); n != 2 {
		t.Errorf("%d resolved findings, want 2", n)
	}
	b.wasQuiet()
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
	if got := strings.Split(ask[string](b, shown), "|"); !slices.Contains(got, breakouts()[0]) {
		t.Errorf("shown as %q", got)
	}
	b.wasQuiet()
}

func TestBrowserWithoutScript(t *testing.T) {
	t.Parallel()
	b := browse(t, rich(t))
	off := chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	})
	b.do(off, chromedp.Reload())
	text, err := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS("#authorizations")))
	if err != nil || !strings.Contains(text, "need JavaScript") || !strings.Contains(text, "000000000000a028") {
		t.Errorf("%v: %.300s", err, text)
	}
}

func TestBrowserFitsEveryWidth(t *testing.T) {
	t.Parallel()
	b := browse(t, rich(t))
	for _, width := range []int64{390, 768, 1024, 1280, 1600} {
		b.do(chromedp.EmulateViewport(width, 900))
		if got := ask[int64](b, "document.documentElement.scrollWidth"); got > width {
			t.Errorf("%d wide on %d", got, width)
		}
	}
}
