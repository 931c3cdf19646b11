'use strict';
document.documentElement.classList.add('js');

const pageSize = 50;
const words = new Intl.Collator('en', { numeric: true });

// make builds an element; text is always a text node, never markup.
function make(tag, className, ...children) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  e.append(...children.filter((c) => c !== undefined && c !== ''));
  return e;
}

function compare(a, b) { return typeof a === 'number' ? a - b : words.compare(a, b); }

class Table {
  constructor(section) {
    this.section = section;
    this.form = section.querySelector('form');
    this.body = section.querySelector('.rows tbody');
    this.rows = [...this.body.rows].filter((r) => r.dataset.token);
    this.count = section.querySelector('.pager .count');
    this.at = 0;
    this.form.addEventListener('input', () => this.search());
    this.form.addEventListener('submit', (e) => e.preventDefault());
    this.form.addEventListener('reset', () => setTimeout(() => this.search()));
    for (const b of section.querySelectorAll('[data-go]')) b.addEventListener('click', () => this.turn(Number(b.dataset.go)));
    for (const th of section.querySelectorAll('.rows th')) this.sortable(th);
    this.body.addEventListener('click', (e) => this.clicked(e));
    this.search();
  }

  text(row) {
    row.find ??= (row.textContent + ' ' + (row.dataset.find ?? '')).toLowerCase();
    return row.find;
  }

  matches(row, terms, filters) {
    return filters.every(([name, value]) => row.dataset[name] === value) && terms.every((t) => this.text(row).includes(t));
  }

  search() {
    const terms = this.form.elements.q.value.toLowerCase().split(/\s+/).filter(Boolean);
    const filters = [...this.form.querySelectorAll('select')].filter((s) => s.value).map((s) => [s.name, s.value]);
    this.found = this.rows.filter((r) => this.matches(r, terms, filters));
    const found = new Set(this.found);
    for (const r of this.rows) r.classList.toggle('match', found.has(r));
    this.at = 0;
    this.show();
  }

  show() {
    const page = this.found.slice(this.at, this.at + pageSize);
    for (const r of this.body.querySelectorAll('.on')) r.classList.remove('on');
    for (const r of page) {
      r.classList.add('on');
      for (const b of r.querySelectorAll('.open')) b.disabled = false;
    }
    const [back, next] = this.section.querySelectorAll('[data-go]');
    back.disabled = this.at === 0;
    next.disabled = this.at + pageSize >= this.found.length;
    this.say(page.length);
  }

  say(shown) {
    const n = (x) => x.toLocaleString('en');
    const of = this.found.length === this.rows.length ? '' : ` (filtered from ${n(this.rows.length)})`;
    this.count.textContent = shown === 0 ? 'Nothing matches.' : `${n(this.at + 1)}–${n(this.at + shown)} of ${n(this.found.length)}${of}`;
  }

  turn(pages) {
    this.at += pages * pageSize;
    this.show();
    this.section.scrollIntoView();
  }

  sortable(th) {
    const button = make('button', '', th.textContent);
    button.type = 'button';
    button.addEventListener('click', () => this.sort(th));
    th.replaceChildren(button);
  }

  sort(th) {
    const sign = th.getAttribute('aria-sort') === 'ascending' ? -1 : 1;
    for (const other of th.parentElement.children) other.removeAttribute('aria-sort');
    th.setAttribute('aria-sort', sign === 1 ? 'ascending' : 'descending');
    const keys = new Map(this.rows.map((r) => [r, this.key(r.cells[th.cellIndex])]));
    this.rows.sort((a, b) => sign * compare(keys.get(a), keys.get(b)));
    this.body.append(...this.rows);
    this.search();
  }

  key(cell) { return cell.dataset.key === undefined ? cell.firstChild?.textContent ?? '' : Number(cell.dataset.key); }

  clicked(e) {
    const row = e.target.closest('tr[data-token]');
    if (row && String(getSelection()) === '') showToken(Number(row.dataset.token));
  }

  follow(link) {
    this.form.reset();
    this.form.elements.q.value = link.dataset.query ?? '';
    this.form.elements.state.value = link.dataset.state ?? '';
    setTimeout(() => this.search());
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
  const dialog = document.getElementById('token');
  const t = data.token(n);
  dialog.replaceChildren(heading(t, dialog), make('div', 'body', ...sections(t)));
  dialog.showModal();
  dialog.scrollTop = 0;
}

function heading(t, dialog) {
  const name = make('h2', '', t.name || '(no description)');
  name.id = 'token-name';
  const close = make('button', 'close', 'Close');
  close.type = 'button';
  close.addEventListener('click', () => dialog.close());
  const chips = make('div', 'chips', t.severity ? chip(t.severity) : make('span', 'chip plain', 'not flagged'), t.server ? '' : chip(t.status));
  return make('header', '', make('div', '', name, chips), close);
}

function chip(word) { return make('span', 'chip ' + (/^[a-z]+$/.test(word) ? word : 'plain'), word); }

function sections(t) {
  return [
    ...titled('Why it was flagged', (t.findings ?? []).map(finding)),
    ...titled('Changed since the previous review', (t.changes ?? []).map(change)),
    ...titled(t.server ? 'Facts' : 'The token', [facts(t)]),
    ...(t.server ? [] : titled('Permissions', grants(t))),
  ];
}

function titled(title, parts) { return parts.length ? [make('h3', '', title), ...parts] : []; }

function finding(f) {
  const c = data.shared.checks[f.check] ?? { title: f.check };
  const box = make('div', 'finding', chip(f.severity), make('b', '', c.title), make('span', 'hint', ` ${f.state} since ${f.since}`));
  if (f.detail) box.append(make('p', '', f.detail));
  if (f.approval) box.append(make('p', '', 'Allowed for a while: ' + f.approval));
  if (c.why) box.append(make('p', '', 'Why it matters: ' + c.why));
  if (c.fix) box.append(make('p', '', 'What to do: ' + c.fix));
  if (c.controls) box.append(make('p', 'hint', 'Relates to ' + c.controls.join('; ')));
  return box;
}

function change(c) { return make('p', 'finding', make('strong', '', c.field), ': ', c.from || 'none', ' → ', c.to || 'none'); }

function facts(t) {
  const list = make('dl', 'facts');
  t.facts.forEach((value, i) => {
    if (value && value !== '–') list.append(make('div', '', make('dt', '', data.shared.columns[i]), make('dd', '', value)));
  });
  return list;
}

function grants(t) {
  if (!t.grants) return [make('p', 'hint', 'none')];
  const head = make('tr', '', ...['Type', 'Which', 'Where', 'May'].map((h) => make('th', '', h)));
  const rows = t.grants.map(([r, may]) => {
    const resource = typeof r === 'number' ? data.shared.resources[r] : r;
    return make('tr', '', ...resource.map((text) => make('td', '', text)), make('td', '', may));
  });
  const table = make('div', 'scroll', make('table', 'small', make('thead', '', head), make('tbody', '', ...rows)));
  return t.hidden ? [table, make('p', 'hint', `and ${t.hidden.toLocaleString('en')} more, see authorizations.csv`)] : [table];
}

document.addEventListener('DOMContentLoaded', () => {
  const tables = new Map([...document.querySelectorAll('.data')].map((s) => [s.id, new Table(s)]));
  for (const link of document.querySelectorAll('a[data-state], a[data-query]')) {
    link.addEventListener('click', () => tables.get('findings').follow(link));
  }
  const dialog = document.getElementById('token');
  dialog.addEventListener('click', (e) => { if (e.target === dialog) dialog.close(); });
});
