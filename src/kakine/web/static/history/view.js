// A reading as a page. Everything that comes from anywhere is written as text: an agency can put what it likes into a
// record, and it stays letters. No address is built from a value.

import { actedText } from "./acted.js";
import { dateText, momentText, monthText } from "./dates.js";
import { GROUND as DECISION, decisionOf } from "./decisions.js";
import { hintsOf, placeOf } from "./hints.js";
import { storiesOf } from "./story.js";
import { comparedWith } from "./usual.js";
import { WORDS } from "./words.js";

const MINUTES_A_DAY = 1440;
const WARNED_DAYS = 60;
const DEEPEST = 8;

/** An element with text or children; `set` are attributes of ours. */
export function made(tag, content = [], set = {}) {
  const element = document.createElement(tag);
  element.append(...[content].flat());
  for (const [name, value] of Object.entries(set)) element.setAttribute(name, value);
  return element;
}

/** Line breaks, turned directions and other signs that cannot be seen, as escapes. */
export function harmless(value) {
  return String(value).replace(/(?! )[\p{C}\p{Z}]/gu, (sign) => `\\u{${sign.codePointAt(0).toString(16)}}`);
}

/** How things are called: `names` is the file of names (protocols/words.py), or {} where it could not be had. */
export class Names {
  constructor(names, language) {
    this.names = names;
    this.language = language;
    this.at = language === "en" ? 1 : 0;
    this.starts = new Map(Object.entries(names.starts ?? {}).flatMap(([day, rows]) => rows.map((row) => [row, Number(day)])));
  }

  /** The number of an authorisation, and since when it stands in the order. */
  row(id, words) {
    const day = this.starts.get(id);
    return day === undefined ? harmless(id) : words.since({ row: harmless(id), day: dateText(day, this.language) });
  }

  of(kind, id) {
    const found = Object.hasOwn(this.names[kind] ?? {}, id) ? this.names[kind][id] : null;
    return found ? `${harmless(found[this.at])} (${harmless(id)})` : harmless(id);
  }

  ground(id) {
    const found = Object.hasOwn(this.names.grounds ?? {}, id) ? this.names.grounds[id] : null;
    if (!found) return harmless(id);
    return `${harmless(found[2 + this.at])} — ${harmless(found[this.at])} (${harmless(id)})`;
  }
}

/**
 * Show a reading in an element. `act` has what buttons do: check(line), save(line), saveAll(), saveEvidence(), forget();
 * each may give a promise of a text. `visited` is the moment of the last visit, or null; `other` says that this list is not
 * of whom that visit was. `again` is where a second way in is shown, "" where all kinds of records are: what is said
 * then fits every list. `versions` are number and beginning of each gazette, oldest first; `usual` is of usual.js, or null.
 */
export function show(root, reading, { language, names, nowMs, visited, other = false, again = "", versions = [], usual = null, act }) {
  const words = WORDS[language];
  const hints = hintsOf(reading.lines, nowMs);
  const named = new Names(names, language);
  const context = { words, language, hints, named, nowMs, act, lines: reading.lines, versions, usual, story: storiesOf(reading.lines) };
  root.replaceChildren(
    verdict(reading, { words, language, visited, other, again, act }),
    made("h2", words.lines),
    ...(hints.size > 0 ? [made("p", words.hintsNote, { class: "note" })] : []),
    reading.lines.length === 0 ? made("p", words.none) : list(reading.lines, context),
    ...(reading.erased.length > 0 ? [made("ul", reading.erased.map((each) => erasedLine(each, context)), { class: "erased" })] : []),
    tools(context),
  );
}

/** Say that nothing can be shown, and why. `code` is that of a problem, or "" for none; `more` are further elements. */
export function showRefusal(root, { language, text, code = "", more = [] }) {
  const words = WORDS[language];
  const said = [made("p", made("strong", words[text]))];
  if (code) said.push(made("p", words.refused({ code })));
  root.replaceChildren(made("section", [...said, ...more], { class: "history-verdict bad", role: "alert" }));
}

/** Which keys were believed before, and which are shown now. */
export const fingerprints = ([before, now], words) =>
  [words.before({ value: before }), words.now({ value: now })].map((each) => made("p", each));

export const showProgress = (root, language) =>
  root.replaceChildren(made("p", WORDS[language].reading, { role: "status" }));

// --- the verdict --------------------------------------------------------------------------------------------------

/** How sure the list is, before anything of it. */
export function verdict(reading, { words, language, visited, other = false, again = "", act }) {
  const bad = faults(reading, words);
  const warned = Object.entries(reading.stale).map(([log, code]) => words.stale({ log: harmless(log), code }));
  if (other) warned.unshift(words.other);
  const sure = reading.verified - reading.provisional;
  const counts = { sure, keepers: reading.keepers, witnesses: reading.witnesses };
  const whole = reading.public ? words.complete(counts) : words.unwitnessed(counts);
  const headline = !reading.complete ? words.incomplete : again ? words.some : whole;
  const mark = !reading.complete ? "bad" : reading.public && !again ? "good" : "fair";
  const told = [
    ...(reading.provisional > 0 && !again ? [words.provisional({ count: reading.provisional })] : []),
    since(reading, words, language, visited),
    words.sealed({ count: reading.sealed }),
    words.fingerprint({ value: reading.fingerprint }),
  ];
  const section = made("section", [
    made("p", made("strong", headline), { id: "history-verdict-words" }),
    ...list_(bad, "faults"),
    ...list_(warned, "warnings"),
    ...list_(told.filter((each) => each !== ""), "told"),
  ], { class: `history-verdict ${mark}`, role: reading.complete ? "status" : "alert" });
  if (again) section.append(made("p", made("a", words.allKinds, { href: again })));
  if (Object.keys(reading.accused).length > 0) {
    if (act.sendEvidence) section.append(made("p", button(words.sendEvidence, act.sendEvidence)));
    section.append(made("p", button(words.evidence, act.saveEvidence)), made("p", words.evidenceNote, { class: "note" }));
  }
  return section;
}

const list_ = (texts, name) => (texts.length > 0 ? [made("ul", texts.map((each) => made("li", each)), { class: name })] : []);

function faults(reading, words) {
  const places = (all) => all.map((each) => `#${each}`).join(", ");
  return [
    ...Object.entries(reading.accused).map(([log, code]) => words.accused({ log: harmless(log), code })),
    ...Object.entries(reading.hidden).map(([keeper, all]) => words.hidden({ keeper: harmless(keeper), places: places(all) })),
    ...Object.entries(reading.doubts).map(([keeper, code]) => words.doubt({ keeper: harmless(keeper), code })),
  ];
}

function since(reading, words, language, visited) {
  if (visited === null) return words.first;
  const open = reading.logs.filter((log) => log.final.length === 0).map((log) => log.origin);
  const grown = open.length > 0 && open.every((origin) => Object.hasOwn(reading.grown, origin));
  return grown ? words.grown({ when: momentText(visited, language) }) : "";
}

// --- lines --------------------------------------------------------------------------------------------------------

/** The newest first. */
function list(lines, context) {
  return made("ol", lines.map((line, at) => lineItem(line, at, context)).reverse(), { class: "history-lines" });
}

function lineItem(line, at, context) {
  const { words, named, language, hints } = context;
  const asked = Object.hasOwn(words.titles, line.ground) ? words.titles[line.ground] : words.asked;
  const title = asked({ requester: named.of("domains", line.requester), recipient: named.of("domains", line.recipient) });
  const own = hints.get(placeOf(line)) ?? [];
  const details = made("details", made("summary", words.details));
  // What is inside is made when somebody looks: a thousand lines stay light.
  details.addEventListener("toggle", () => details.children.length === 1 && details.append(...detailsOf(line, context)), { once: true });
  return made("li", [
    made("h3", title),
    made("p", [
      made("time", momentText(line.time, language), { datetime: new Date(line.time).toISOString() }),
      " · ",
      made("span", resultOf(line, words), { class: "result" }),
    ]),
    made("p", named.ground(line.ground)),
    ...[actedText(line.items, language)].filter((each) => each !== "").map((each) => made("p", each, { class: "acted" })),
    ...(line.ground === DECISION ? [made("p", decisionText(line, words), { class: "decision" })] : []),
    ...own.map((hint) => made("p", `${words.hint}: ${words.hints[hint]}`, { class: "hint" })),
    details,
  ], { id: `line-${at}`, tabindex: "-1" });
}

function decisionText(line, words) {
  const found = decisionOf(line.case);
  const kind = words.decisions[found === null ? "" : found.tag] ?? "";
  return [kind, ...(found?.texts ?? []).map(harmless)].filter((each) => each !== "").join(" · ");
}

const resultOf = (line, words) => (Object.hasOwn(words.results, line.result) ? words.results[line.result] : harmless(line.result));

function detailsOf(line, context) {
  const { words, named, language, act } = context;
  const rows = [
    [words.who, named.of("domains", line.requester)],
    [words.unit, harmless(line.unit)],
    [words.official, harmless(line.official)],
    [words.by, words.channels[line.channel] ?? String(line.channel)],
    [words.from, named.of("domains", line.recipient)],
    [words.why, named.ground(line.ground)],
    [words.row, line.rows.map((row) => named.row(row, words)).join(", ")],
    [words.inForce, versionText(line, context)],
    [words.items, line.items.map((item) => named.of("items", item)).join(", ")],
    [words.outcome, resultOf(line, words)],
    [words.answered, line.answered === null ? "" : momentText(line.answered, language)],
    [words.place, `${harmless(line.origin)} #${line.index}`],
  ];
  const table = made("dl", rows.filter(([, value]) => value !== "").flatMap(([name, value]) => [made("dt", name), made("dd", value)]));
  const states = made("dd", made("ul", statesOf(line, context).map((each) => made("li", each))));
  table.append(made("dt", words.state), states, ...usualText(line, context), ...chain(line, context));
  return [table, made("p", [button(words.verify, () => act.check(line)), button(words.save, () => act.save(line))])];
}

function statesOf(line, { words, language, nowMs, named }) {
  const { states } = words;
  const found = [states.recorded];
  if (line.witnessed) found.push(states.public);
  if (line.answered !== null) found.push(states.confirmed);
  if (line.disputed) found.push(states.disputed);
  if (line.sealedUntil > 0) {
    const why = line.rows.map((row) => named.of("sealings", row)).join(", ");
    found.push(`${states.until({ day: dateText(line.sealedUntil, language) })}: ${why}`);
  }
  if (line.held.length > 0) found.push(states.held({ reasons: line.held.map(harmless).join(", ") }));
  const ends = expiryDay(line);
  if (ends * MINUTES_A_DAY * 60_000 - nowMs < WARNED_DAYS * 86_400_000) found.push(states.expires({ day: dateText(ends, language) }));
  return found;
}

/** The day after the last of the month in which the record expires, in days since 1970. */
export function expiryDay({ entry }) {
  const month = parseInt(entry.slice(8, 12), 16);
  return Date.UTC(2000, month + 1, 1) / 86_400_000;
}

/** The gazette that was in force when the line was written. */
function versionText({ time }, { versions, words, language }) {
  const found = versions.filter(([, ms]) => ms <= time).at(-1);
  return found ? words.version({ number: found[0], when: momentText(found[1], language) }) : "";
}

/** What was asked beside what is usual for its task, in words. */
function usualText(line, { usual, words, named, language }) {
  const found = comparedWith(usual, line);
  if (found === null) return [];
  const called = ({ row, item }) => `${named.of("items", item)} [${harmless(row)}]`;
  const told = found.own.map((each) => words.shares[each.share]({ row: called(each) }));
  const between = { often: found.often.map(called).join(", "), first: monthText(usual.first, language), last: monthText(usual.last, language) };
  return [made("dt", words.usual), made("dd", [
    made("ul", [...told, words.often(between)].map((each) => made("li", each)), { class: "usual" }),
    made("p", words.usualNote(between), { class: "note" }),
  ])];
}

/** What a line is part of: from where it began, what followed under it, as lists in lists with links within the page. */
function chain(line, { words, lines, named, language, story }) {
  const told = story(lines.indexOf(line));
  if (told === null) return [];
  const part = (each, depth) => {
    const { time, requester, recipient } = lines[each.at];
    const asked = words.asked({ requester: named.of("domains", requester), recipient: named.of("domains", recipient) });
    const link = made("a", `${momentText(time, language)} ${asked}`, { href: `#line-${each.at}` });
    if (lines[each.at] === line) link.setAttribute("aria-current", "true");
    const result = made("span", resultOf(lines[each.at], words), { class: "result" });
    const then = each.then.map((next) => part(next, depth + 1));
    const item = made("li", [link, " · ", result]);
    if (then.length === 0) return [item];
    if (depth >= DEEPEST) return [item, ...then.flat()];
    item.append(made("ul", then.flat()));
    return [item];
  };
  return [made("dt", words.story), made("dd", [made("ul", part(told, 0), { class: "story" }), made("p", words.storyNote, { class: "note" })])];
}

function erasedLine(each, { words, language }) {
  return made("li", words.erased({ when: momentText(each.time, language), place: `${harmless(each.origin)} #${each.index}` }));
}

// --- tools --------------------------------------------------------------------------------------------------------

function tools({ words, act }) {
  return made("section", [
    button(words.saveAll, act.saveAll),
    made("p", words.saveNote, { class: "note" }),
    button(words.forget, act.forget),
  ], { class: "history-tools" });
}

/** A button, and beside it what its act answers. */
export function button(label, act) {
  const pressed = made("button", label, { type: "button", class: "button second" });
  const answer = made("span", [], { role: "status", class: "answer" });
  pressed.addEventListener("click", async () => {
    pressed.disabled = true;
    try {
      answer.textContent = (await act()) ?? "";
    } finally {
      pressed.disabled = false;
    }
  });
  return made("span", [pressed, " ", answer]);
}
