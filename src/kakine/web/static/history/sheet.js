// What is printed of a verified reading: the copy of all lines, and the yearly letter. Made here, shown as a preview,
// printed by the browser; the portal hears nothing of it. Every value is text.

import { momentText } from "./dates.js";
import { filesOf, nameOf } from "./elsewhere.js";
import { harmless, made } from "./view.js";
import { WORDS } from "./words.js";
import { PAPER } from "./paper_words.js";
import { countYear, receivers } from "./year.js";

const SVG = "http://www.w3.org/2000/svg";

/** Names of organisations and articles; an id stands alone where it has none. */
export function namesIn(names, language) {
  const at = language === "en" ? 1 : 0;
  const of = (kind, id, place) => (Object.hasOwn(names[kind] ?? {}, id) ? harmless(names[kind][id][place]) : harmless(id));
  return {
    domain: (id) => of("domains", id, at),
    party: (id) => of("parties", id, at),
    item: (id) => of("items", id, at),
    ground: (id) => of("grounds", id, 2 + at),
  };
}

/** The sentence that says whether this is all, and what is wrong, as on the page. */
export function sayings(reading, language) {
  const words = WORDS[language];
  const sure = reading.verified - reading.provisional;
  const counts = { sure, keepers: reading.keepers, witnesses: reading.witnesses };
  const headline = reading.some ? words.some : !reading.complete ? words.incomplete : reading.public ? words.complete(counts) : words.unwitnessed(counts);
  return [headline, ...(reading.provisional > 0 ? [words.provisional({ count: reading.provisional })] : [])];
}

/** The picture of a QR code, for eyes and cameras; `label` says what it is. */
function picture(rows, label) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${rows.length} ${rows.length}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", rows.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : []))).join(""));
  svg.append(path);
  return svg;
}

/** The texts of the two codes of a line: those that `kakine paper history` prints. */
export async function codesOf(reading, line, pack, files) {
  const name = nameOf(line);
  return [pack("E", files.get(`${name}.tlog-proof`)), pack("R", files.get(`${name}.record.json`))];
}

async function codePages(reading, language, named, progress) {
  const words = PAPER[language];
  const { pack, dots } = await import("./packing.js");
  const files = await filesOf(reading);
  const pages = [];
  for (const [at, line] of reading.lines.entries()) {
    const texts = await codesOf(reading, line, pack, files);
    const figures = texts.map((text, which) => {
      const label = `${[words.receipt, words.record][which]} ${at + 1}`;
      return made("figure", [picture(dots(text), label), made("figcaption", label)]);
    });
    pages.push(made("section", [
      made("h3", `${words.number} ${at + 1}`),
      made("p", `${momentText(line.time, language)} ${named.domain(line.requester)} → ${named.domain(line.recipient)}`),
      made("p", `${harmless(line.origin)} #${line.index}`),
      made("div", figures, { class: "codes" }),
    ], { class: "coded" }));
    progress(at + 1);
  }
  return pages;
}

function rowOf(line, at, language, named) {
  const results = WORDS[language].results;
  const cells = [
    momentText(line.time, language),
    `${named.domain(line.requester)} → ${named.domain(line.recipient)}`,
    [named.ground(line.ground), line.items.map(named.item).join("、")].filter((each) => each !== "").join(" — "),
    Object.hasOwn(results, line.result) ? results[line.result] : harmless(line.result),
  ];
  return made("tr", [made("th", String(at + 1), { scope: "row" }), ...cells.map((cell) => made("td", cell))]);
}

/** The copy of all lines. `codes` for receipt and record of each as QR codes; `progress` hears how many are done. */
export async function historySheet(reading, { language, names, nowMs, codes, progress }) {
  const words = PAPER[language];
  const named = namesIn(names, language);
  const heads = made("tr", words.columns.map((each) => made("th", each, { scope: "col" })));
  const rows = reading.lines.map((line, at) => rowOf(line, at, language, named));
  const pages = codes ? await codePages(reading, language, named, progress) : [];
  return framed(words.title, reading, { language, nowMs }, [
    made("h3", words.list),
    made("table", [made("thead", heads), made("tbody", rows)]),
    ...(codes ? [made("h3", words.check), made("ol", words.steps.map((each) => made("li", each))), ...pages] : []),
  ]);
}

/** The yearly letter. */
export function yearSheet(reading, { language, names, nowMs, year }) {
  const words = PAPER[language];
  const named = namesIn(names, language);
  const counts = countYear(reading, year);
  const { results } = WORDS[language];
  const organisations = counts.organisations.map(([party, exchanges, asked]) =>
    made("tr", [made("th", named.party(party), { scope: "row" }), made("td", String(exchanges)), made("td", String(asked))]));
  return framed(words.yearTitle({ year }), reading, { language, nowMs }, [
    made("p", made("strong", words.exchanged({ year, exchanged: counts.exchanged, organisations: receivers(counts) }))),
    made("p", words.asked({ asked: counts.asked })),
    ...(organisations.length > 0 ? [made("table", [
      made("thead", made("tr", words.yearColumns.map((each) => made("th", each, { scope: "col" })))), made("tbody", organisations),
    ])] : []),
    ...(counts.results.length > 0 ? [made("ul", counts.results.map(([result, count]) =>
      made("li", `${Object.hasOwn(results, result) ? results[result] : harmless(result)}: ${count}`)))] : []),
    made("p", words.own({ own: counts.own })),
    ...(counts.erased > 0 ? [made("p", words.gone({ erased: counts.erased }))] : []),
  ]);
}

function framed(title, reading, { language, nowMs }, content) {
  const words = PAPER[language];
  return made("article", [
    made("h2", title, { id: "sheet-title" }),
    made("p", words.made({ when: momentText(nowMs, language) })),
    made("div", sayings(reading, language).map((each) => made("p", each)), { class: reading.complete ? "said" : "said bad" }),
    ...content,
    made("p", words.footer, { class: "foot" }),
  ]);
}
