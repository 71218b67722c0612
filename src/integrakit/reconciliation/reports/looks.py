"""How the page looks and behaves: one style sheet for light, dark and paper, and one script for searching, filtering and sorting. No data in here."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256

__all__ = ["POLICY", "SCRIPT", "STYLE"]

STYLE = """
:root {
  color-scheme: light dark;
  --ink: #1f2429; --soft: #56606b; --paper: #f7f7f5; --card: #ffffff; --line: #dcdfe3; --head: #f0f1f0; --bar: #4a76a8; --link: #24578c;
  --good: #14532d; --good-back: #e4f3e8; --bad: #8a1c16; --bad-back: #fcebe8; --warn: #664a00; --warn-back: #fdf2d0;
  --mark: #3d2c00; --mark-back: #ffe08a;
}
@media (prefers-color-scheme: dark) { :root {
  --ink: #e4e7ea; --soft: #a4aeb8; --paper: #14171a; --card: #1c2024; --line: #343b43; --head: #23282d; --bar: #6d9bcf; --link: #9cc3ee;
  --good: #93e0b0; --good-back: #14301f; --bad: #ffb3a9; --bad-back: #3b1b18; --warn: #f2d488; --warn-back: #362b0d;
  --mark: #fff0c2; --mark-back: #6e5200;
} }
* { box-sizing: border-box; }
body { font: 15px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; color: var(--ink); background: var(--paper); margin: 0; }
main { max-width: 76rem; margin: 0 auto; padding: 1.75rem 1.25rem 4rem; }
header p { color: var(--soft); margin: .15rem 0; overflow-wrap: anywhere; }
.over { letter-spacing: .06em; text-transform: uppercase; font-size: .75rem; }
h1 { font-size: 1.45rem; line-height: 1.3; margin: 0; font-weight: 650; }
h2 { font-size: 1.1rem; margin: 2.4rem 0 .6rem; font-weight: 650; }
h3 { font-size: 1rem; margin: 0; font-weight: 600; display: inline; }
p { margin: .4rem 0; }
ul { margin: .4rem 0; padding-left: 1.2rem; }
.banner { display: grid; grid-template-columns: auto 1fr; gap: .2rem 1rem; padding: 1.1rem 1.3rem; margin: 1.1rem 0; border-radius: 12px; }
.banner .sign { font-size: 1.7rem; line-height: 1.1; }
.banner.good { color: var(--good); background: var(--good-back); }
.banner.bad { color: var(--bad); background: var(--bad-back); }
.banner p, .banner ul { margin: .3rem 0 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: .75rem; margin: 1.1rem 0; padding: 0; list-style: none; }
.tiles li { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .7rem .9rem; }
.tiles b { display: block; font-size: 1.5rem; font-weight: 600; font-variant-numeric: tabular-nums; line-height: 1.25; }
.tiles span { color: var(--soft); font-size: .85rem; }
.tiles .bad b { color: var(--bad); }
.tiles .warn b { color: var(--warn); }
.tiles .good b { color: var(--good); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; overflow: hidden; }
.card + .card { margin-top: .75rem; }
.notes { padding: .6rem .9rem .6rem 2rem; margin: 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; padding: .6rem .9rem; color: var(--soft); font-size: .875rem; }
th, td { text-align: left; padding: .45rem .9rem; border-top: 1px solid var(--line); vertical-align: top; overflow-wrap: break-word; }
thead th { background: var(--head); font-weight: 600; font-size: .85rem; white-space: nowrap; }
tbody th { font-weight: 500; }
th.n, td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.nowrap { white-space: nowrap; }
.value { font: .85rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; white-space: pre-wrap; }
.value { overflow-wrap: anywhere; min-width: 6rem; }
.soft { color: var(--soft); }
mark { background: var(--mark-back); color: var(--mark); border-radius: 3px; padding: 0 1px; }
.badge { display: inline-block; padding: .05rem .55rem; border-radius: 99px; font-size: .8rem; white-space: nowrap; }
.badge { background: var(--head); color: var(--ink); border: 1px solid var(--line); }
.badge.bad { background: var(--bad-back); color: var(--bad); border-color: transparent; }
.badge.good { background: var(--good-back); color: var(--good); border-color: transparent; }
.said { padding: .7rem .9rem 0; margin: 0; font-weight: 600; }
.where { margin-bottom: .6rem; }
.where td, .where th { padding: .22rem .9rem; border: 0; }
.where td.track { width: 60%; }
.where tbody th { white-space: nowrap; font-variant-numeric: tabular-nums; font-weight: 400; }
.track i { display: block; height: 1rem; min-width: 2px; background: var(--bar); border-radius: 3px; }
details > summary { cursor: pointer; padding: .65rem .9rem; }
.filters { display: flex; flex-wrap: wrap; gap: .6rem 1rem; align-items: end; margin: .8rem 0; }
.filters[hidden] { display: none; }
.filters label { font-size: .8rem; color: var(--soft); display: grid; gap: .15rem; }
#search { width: 18rem; max-width: 100%; }
input, select { font: inherit; font-size: .95rem; padding: .4rem .6rem; color: var(--ink); background: var(--card); max-width: 100%; }
input, select { border: 1px solid var(--soft); border-radius: 7px; }
th button { all: unset; cursor: pointer; display: block; }
th button::after { content: " ↕"; color: var(--soft); }
th[aria-sort=ascending] button::after { content: " ↑"; }
th[aria-sort=descending] button::after { content: " ↓"; }
:focus-visible, th button:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .35rem 1.2rem; padding: .8rem .9rem; margin: 0; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
footer { color: var(--soft); font-size: .85rem; margin-top: 2.5rem; }
@media (max-width: 40rem) {
  dl, .banner { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: .5rem; }
}
@media print {
  :root { --paper: #fff; --ink: #000; --card: #fff; }
  body { font-size: 10pt; }
  main { max-width: none; padding: 0; }
  .filters { display: none; }
  h2, h3, summary { break-after: avoid; }
  tr, .tiles li, .banner { break-inside: avoid; }
  .scroll { overflow: visible; }
  th button::after { content: ""; }
  .banner, .badge, mark, .track i { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
""".strip()

SCRIPT = """
const table = document.getElementById("breaks"), body = table.tBodies[0], rows = [...body.rows], form = document.getElementById("filters");
const search = document.getElementById("search"), count = document.getElementById("count"), choices = [...form.querySelectorAll("select")];
let texts = null;
form.hidden = false;
form.addEventListener("submit", (event) => event.preventDefault());
function filter() {
  texts = texts || rows.map((row) => row.textContent.toLowerCase());
  const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let shown = 0;
  rows.forEach((row, place) => {
    const chosen = choices.every((choice) => !choice.value || row.dataset[choice.name] === choice.value);
    const fits = chosen && words.every((word) => texts[place].includes(word));
    row.hidden = !fits;
    shown += fits;
  });
  count.textContent = shown === rows.length ? "" : shown.toLocaleString("en") + " of " + rows.length.toLocaleString("en") + " rows";
}
search.addEventListener("input", filter);
choices.forEach((choice) => choice.addEventListener("change", filter));
const order = new Intl.Collator("en", { numeric: true });
const places = new Map(rows.map((row, place) => [row, place]));
[...table.tHead.rows[0].cells].forEach((head, column) => {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...head.childNodes);
  head.append(button);
  button.addEventListener("click", () => {
    const before = head.getAttribute("aria-sort"), now = before === "ascending" ? "descending" : before === "descending" ? "" : "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    if (now) head.setAttribute("aria-sort", now);
    const keys = new Map(rows.map((row) => [row, row.cells[column].textContent]));
    const way = now === "descending" ? -1 : 1;
    body.append(...[...rows].sort((a, b) => (now && way * order.compare(keys.get(a), keys.get(b))) || places.get(a) - places.get(b)));
  });
});
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((each) => { each.open = true; }));
""".strip()

_HASH = b64encode(sha256(f"\n{SCRIPT}\n".encode()).digest()).decode()
#: What a browser may do with the page: use its own style, run this very script, and nothing else. Whatever data could smuggle in stays dead.
POLICY = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{_HASH}'; base-uri 'none'"
