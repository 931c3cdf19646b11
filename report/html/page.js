'use strict';
document.documentElement.classList.add('js');

const firstRows = 100;
const printedRows = 500;
const order = new Intl.Collator('en', { numeric: true });
const filters = ['q', 'owner', 'show', 'check', 'state', 'severity', 'target'];
const grouped = (n) => n.toLocaleString('en');

// make builds an element; text is always a text node, never markup.
function make(tag, className, ...children) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  e.append(...children.filter((c) => c !== undefined && c !== ''));
  return e;
}

// say fills the gaps of an element's words, which stand in the page.
function say(e, words, values) {
  e.textContent = words.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function texts(e) {
  const walker = document.createTreeWalker(e, NodeFilter.SHOW_TEXT), found = [];
  while (walker.nextNode()) found.push(walker.currentNode.data);
  return found;
}

function compare(a, b) { return typeof a === 'number' ? a - b : order.compare(a, b); }

// inFragment is what the fragment of the address says, null where it names a place.
function inFragment() {
  const p = new URLSearchParams(location.hash.slice(1));
  return [...filters, 'token'].some((name) => p.has(name)) ? p : null;
}

function toFragment(p) {
  const page = location.href.split('#')[0];
  history.replaceState(null, '', [...p].length ? page + '#' + p : page);
}

// Table shows the tokens that match, the worst first, a number of them at a time.
class Table {
  constructor(section) {
    this.section = section;
    this.form = section.querySelector('form');
    this.body = section.querySelector('.rows tbody');
    this.rows = [...this.body.rows].filter((r) => r.dataset.token);
    this.rows.forEach((r, i) => { r.place = i; });
    this.count = section.querySelector('.pager .count');
    this.paper = section.querySelector('.onpaper');
    this.limit = firstRows;
    this.form.addEventListener('input', () => this.changed());
    this.form.addEventListener('submit', (e) => e.preventDefault());
    this.form.addEventListener('reset', () => setTimeout(() => this.changed()));
    for (const b of section.querySelectorAll('[data-more]')) b.addEventListener('click', () => this.more(b.dataset.more));
    for (const th of section.querySelectorAll('.rows th')) this.sortable(th);
    this.body.addEventListener('click', (e) => this.clicked(e));
  }

  field(name) { return this.form.elements[name]; }

  // code of a filter is the place of its value, by which the rows know it; empty for all.
  code(name) {
    const at = this.field(name).selectedIndex;
    return at > 0 ? String(at - 1) : '';
  }

  text(row) { return row.text ??= (texts(row).join(' ') + ' ' + row.dataset.o).toLowerCase(); }

  // isOf compares with what names the owner: in quotes it is the whole name.
  isOf(row, owner) {
    const names = (row.names ??= row.dataset.o.toLowerCase().split('\n'));
    const whole = /^"(.*)"$/.exec(owner);
    if (whole) return names.includes(whole[1]);
    row.who ??= row.dataset.o.toLowerCase() + '\n' + row.cells[1].textContent.toLowerCase();
    return row.who.includes(owner);
  }

  // hasFinding: one finding has to match all filters of findings.
  hasFinding(row, want, flag) {
    row.found ??= row.dataset.f.split(' ').filter(Boolean).map((f) => f.split('.'));
    return row.found.some((f) => want.every((code, i) => code === '' || f[i] === code) && f[3].includes(flag));
  }

  matcher() {
    const terms = this.field('q').value.toLowerCase().split(/\s+/).filter(Boolean);
    const owner = this.field('owner').value.trim().toLowerCase();
    const show = this.field('show').value, target = this.code('target');
    const want = [this.code('check'), this.code('state'), this.code('severity')];
    const ofFinding = want.some((code) => code !== '');
    const flag = { action: 'a', new: 'n', overdue: 'o', fixed: 'f' }[show] ?? '';
    const ofEach = show === 'action' ? 'a' : show === 'overdue' ? 'o' : '';
    return (row) => row.dataset.flags.includes(flag)
      && (target === '' || row.dataset.t === target)
      && (!ofFinding || this.hasFinding(row, want, ofEach))
      && (owner === '' || this.isOf(row, owner))
      && terms.every((t) => this.text(row).includes(t));
  }

  search() {
    this.found = this.rows.filter(this.matcher());
    this.limit = firstRows;
    this.section.dataset.show = this.field('show').value;
    this.show();
  }

  show() {
    const n = Math.min(this.limit, this.found.length);
    if (this.sorted) this.body.prepend(...this.found.slice(0, Math.max(n, printedRows))); // the order of what is hidden does not matter
    for (const r of this.body.querySelectorAll('.on, .print')) r.classList.remove('on', 'print');
    this.found.slice(0, printedRows).forEach((r) => r.classList.add('print'));
    for (const r of this.found.slice(0, n)) {
      r.classList.add('on');
      r.querySelector('.open').disabled = false;
    }
    const values = { shown: grouped(n), found: grouped(this.found.length), all: grouped(this.rows.length), printed: grouped(printedRows) };
    say(this.count, n ? this.count.dataset.words : this.count.dataset.none, values);
    say(this.paper, this.found.length > printedRows ? this.paper.dataset.words : '', values);
    for (const b of this.section.querySelectorAll('[data-more]')) b.hidden = n === this.found.length;
  }

  more(n) {
    const first = this.found[this.limit];
    this.limit = n === 'all' ? this.found.length : this.limit + Number(n);
    this.show();
    first?.querySelector('.open').focus();
  }

  sortable(th) {
    const button = make('button', '', th.textContent);
    button.type = 'button';
    button.addEventListener('click', () => this.sort(th));
    th.dataset.name = th.textContent; // on paper
    th.replaceChildren(button);
  }

  sort(th) {
    const sign = th.getAttribute('aria-sort') === 'ascending' ? -1 : 1;
    for (const other of th.parentElement.children) other.removeAttribute('aria-sort');
    th.setAttribute('aria-sort', sign === 1 ? 'ascending' : 'descending');
    const keys = new Map(this.rows.map((r) => [r, this.key(r, th.cellIndex)]));
    this.rows.sort((a, b) => sign * compare(keys.get(a), keys.get(b)));
    this.sorted = true;
    this.search();
  }

  // key: findings sort by the order of the report, worst first.
  key(row, column) { return column === 2 ? row.place : row.cells[column].firstElementChild?.textContent ?? row.cells[column].textContent; }

  clicked(e) {
    const row = e.target.closest('tr[data-token]');
    if (row && String(getSelection()) === '') this.open(row);
  }

  open(row) {
    const p = this.filtered(), id = row.querySelector('code').textContent;
    if (this.named(id).length > 1) p.set('target', row.cells[4].firstChild.textContent);
    p.set('token', id);
    toFragment(p);
    showToken(Number(row.dataset.token));
  }

  named(id, target) {
    return this.rows.filter((r) => r.querySelector('code').textContent === id && (!target || r.cells[4].firstChild.textContent === target));
  }

  // filtered is what the fragment has to say of the filters: nothing while none is set.
  filtered() {
    const p = new URLSearchParams();
    for (const name of filters) {
      const f = this.field(name);
      if (f.value !== '' && name !== 'show') p.set(name, f.value);
    }
    const show = this.field('show');
    if ([...p].length || !show.selectedOptions[0]?.defaultSelected) p.set('show', show.value);
    return p;
  }

  changed() {
    this.search();
    toFragment(this.filtered());
  }

  // follow sets the filters to what a fragment says. A value that is no choice becomes one
  // that nothing matches.
  follow(p) {
    this.form.reset();
    for (const name of filters) {
      const f = this.field(name);
      const value = p.get(name) ?? (name === 'show' ? 'all' : '');
      f.value = value;
      if (f.value !== value) f.append(new Option(value, value, false, true));
    }
  }
}

// The data: a line that all tokens share, then one line a token, read when it is asked for.
const data = {
  line(n) {
    this.lines ??= document.getElementById('data').textContent.split('\n');
    return JSON.parse(this.lines[n]);
  },
  get shared() { return this.first ??= this.line(0); },
  token(n) { return this.line(n + 1); },
};

function showToken(n) {
  const dialog = document.getElementById('token'), t = data.token(n);
  const view = document.getElementById('token-view').content.cloneNode(true);
  const part = (name) => view.querySelector(`[data-part=${name}]`);
  const words = view.querySelector('.body').dataset;
  view.querySelector('h2').textContent = t.name || words.none;
  view.querySelector('code').textContent = t.id;
  view.querySelector('.chips').append(...[
    t.severity ? chip(t.severity) : make('span', 'chip plain', words.flagged),
    t.server ? '' : chip(t.status), t.action ? make('span', 'chip plain', words.action) : '', t.overdue ? make('span', 'chip late', words.overdue) : '',
  ].filter(Boolean));
  view.querySelector('.close').addEventListener('click', () => dialog.close());
  fill(part('facts'), part('facts').firstElementChild, facts(data.shared.facts, t.facts));
  fill(part('findings'), part('findings'), (t.findings ?? []).map(finding));
  fill(part('changes'), part('changes'), (t.changes ?? []).map(change));
  grants(part('grants'), t);
  fill(part('more'), part('more').querySelector('dl'), t.server ? [] : facts(data.shared.more, t.more));
  fill(part('controls'), part('controls').firstElementChild, controls(t));
  dialog.replaceChildren(view);
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

// fill puts what there is into its place, and takes a part away that has nothing.
function fill(part, into, children) {
  if (children.length) into.append(...children);
  else part.remove();
}

function chip(word) { return make('span', 'chip ' + (/^[a-z]+$/.test(word) ? word : 'plain'), word); }

function facts(names, values) {
  return values.flatMap((value, i) => (value && value !== '–' ? [make('div', '', make('dt', '', names[i]), make('dd', '', value))] : []));
}

function finding(f) {
  const c = data.shared.checks[f.words ?? f.check] ?? { title: f.check };
  const view = document.getElementById('finding-view').content.cloneNode(true);
  const values = { chip: chip(f.severity), title: c.title, state: f.state, since: f.since, due: f.due, detail: f.detail, approval: f.approval, fix: c.fix, command: f.command, why: c.why };
  for (const [name, value] of Object.entries(values)) {
    const slot = view.querySelector(`[data-slot=${name}]`);
    if (value) (slot.querySelector('code') ?? slot).append(value);
    else slot.remove();
  }
  if (f.overdue) view.querySelector('[data-slot=due]').classList.add('late');
  return view;
}

function change(c) { return make('p', 'finding', make('strong', '', c.field), ': ', c.from || 'none', ' → ', c.to || 'none'); }

function grants(part, t) {
  if (t.server || !t.grants) { part.remove(); return; }
  part.querySelector('summary').append(grouped(t.grants.length + (t.hidden ?? 0)));
  part.querySelector('details').open = t.grants.length <= 10;
  part.querySelector('tbody').append(...t.grants.map(([r, may]) => {
    const resource = typeof r === 'number' ? data.shared.resources[r] : r;
    return make('tr', '', ...resource.map((text) => make('td', '', text)), make('td', '', may));
  }));
  const more = part.querySelector('.hint');
  if (t.hidden) say(more, more.dataset.words, { n: grouped(t.hidden) });
}

function controls(t) {
  const all = (t.findings ?? []).flatMap((f) => data.shared.checks[f.check]?.controls ?? []);
  return all.length ? [make('ul', 'controls', ...[...new Set(all)].map((c) => make('li', '', c)))] : [];
}

// copy puts text on the clipboard; where a browser refuses that to a file, the old way.
async function copy(button, text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = make('textarea', 'hush');
    field.value = text;
    button.after(field);
    field.select();
    document.execCommand('copy');
    field.remove();
  }
  const before = button.textContent;
  button.textContent = button.dataset.done;
  setTimeout(() => { button.textContent = before; }, 1500);
}

function copied(button) {
  switch (button.dataset.copy) {
    case 'command': return button.parentElement.querySelector('code').textContent;
    case 'id': return button.closest('header').querySelector('code').textContent;
  }
  return location.href;
}

// unfold opens what a link leads to.
function unfold() {
  const place = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const fold = place?.querySelector(':scope > details.fold');
  if (fold) fold.open = true;
}

document.addEventListener('DOMContentLoaded', () => {
  const table = new Table(document.getElementById('tokens'));
  const dialog = document.getElementById('token'), lost = document.getElementById('lost');

  // go does what the fragment of the address says.
  function go(arrived) {
    const p = inFragment();
    const token = p?.get('token');
    lost.hidden = true;
    if (!p) {
      if (location.hash) unfold();
      if (!arrived && !location.hash) table.form.reset();
      if (arrived || !location.hash) table.search();
      return;
    }
    if (!token || [...p.keys()].some((name) => name !== 'token' && name !== 'target')) table.follow(p);
    table.search();
    if (!token) {
      if (dialog.open) dialog.close();
      table.section.scrollIntoView({ behavior: arrived ? 'instant' : 'auto' });
      return;
    }
    const rows = table.named(token, p.get('target'));
    if (rows.length === 1) {
      showToken(Number(rows[0].dataset.token));
      return;
    }
    table.section.scrollIntoView();
    if (rows.length > 1) {
      table.follow(new URLSearchParams({ q: token }));
      table.changed();
      return;
    }
    lost.hidden = false;
    say(lost, lost.dataset.words, { id: token });
  }

  go(true);
  addEventListener('hashchange', () => go(false));
  dialog.addEventListener('click', (e) => { if (e.target === dialog) dialog.close(); });
  dialog.addEventListener('close', () => toFragment(table.filtered()));
  document.addEventListener('click', (e) => {
    const button = e.target.closest('.copy');
    if (button) copy(button, copied(button));
    const link = e.target.closest('a[href*="#"]');
    if (link && link.hash === location.hash) go(false);
  });
});
