// The verified reading as JSON and as CSV (spec/browser.md section 7), the same bytes as kakine/cli/history_copy.py.
// Neither says more of itself than the reading does.

import { utf8 } from "./verify.js";

export const FORMAT = "kakine-history/v1";
export const COLUMNS = [
  "time", "requester", "requester_name", "recipient", "recipient_name", "ground", "ground_name", "rows", "items",
  "unit", "official", "channel", "case", "result", "answered", "log", "index", "sealed_until",
  "exchange", "parent", "entry", "list_complete",
];

const JAPAN = 9 * 3_600_000;
const byKey = (object) => Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));

function plainLine(line) {
  return {
    time_ms: line.time,
    requester: line.requester,
    recipient: line.recipient,
    ground: line.ground,
    rows: line.rows,
    items: line.items,
    unit: line.unit,
    official: line.official,
    channel: line.channel,
    case: line.case,
    result: line.result,
    answered_ms: line.answered,
    log: line.origin,
    index: line.index,
    sealed_until: line.sealedUntil,
    exchange: line.xid,
    parent: line.parent,
    entry: line.entry,
  };
}

/** One JSON object; `nowMs` is when it was read. */
export function asJson(reading, nowMs) {
  const made = {
    format: FORMAT,
    read_ms: nowMs,
    complete: reading.complete,
    public: reading.public,
    signed: reading.signed,
    verified: reading.verified,
    provisional: reading.provisional,
    witnessed: reading.witnessed,
    witnesses: reading.witnesses,
    fingerprint: reading.fingerprint,
    hidden: byKey(reading.hidden),
    doubts: byKey(reading.doubts),
    accused: byKey(reading.accused),
    stale: byKey(reading.stale),
    erased: reading.erased.map((each) => ({ time_ms: each.time, log: each.origin, index: each.index })),
    lines: reading.lines.map(plainLine),
  };
  return utf8(`${JSON.stringify(made, null, 2)}\n`);
}

/**
 * A text as a cell. Signs that cannot be seen, and those at which some spreadsheet begins a new cell, stand as escapes;
 * what begins like a formula, or like this very mark, has an apostrophe before it, which is not of the text.
 */
export function safe(text) {
  const escaped = String(text)
    .replace(/(?! )[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Z}\\;|]/gu, (sign) => `\\u{${sign.codePointAt(0).toString(16)}}`)
    .replaceAll('"', '""');
  return /^['=+\-@\uff1d\uff0b\uff0d\uff20]/.test(escaped) ? `'${escaped}` : escaped;
}

const moment = (ms) => (ms === null ? "" : `${new Date(ms + JAPAN).toISOString().slice(0, 16)}+09:00`);
const yes = (value) => (value ? "yes" : "no");

function cells(line, names, complete, at) {
  const named = (kind, id, place) => (Object.hasOwn(names[kind] ?? {}, id) ? names[kind][id][place] : "");
  const plain = {
    ...line,
    requester_name: named("domains", line.requester, at),
    recipient_name: named("domains", line.recipient, at),
    ground_name: named("grounds", line.ground, 2 + at),
    time: moment(line.time_ms),
    answered: moment(line.answered_ms),
    list_complete: yes(complete),
  };
  const cell = (value) => (Array.isArray(value) ? value.map(safe).join("|") : safe(value));
  return COLUMNS.map((name) => `"${cell(plain[name])}"`).join(",");
}

/** RFC 4180 with a byte order mark, for spreadsheets. No cell begins what a spreadsheet would work out. */
export function asCsv(reading, names, { english = false } = {}) {
  const rows = reading.lines.map((line) => cells(plainLine(line), names, reading.complete, english ? 1 : 0));
  const head = COLUMNS.map((name) => `"${name}"`).join(",");
  return utf8(`\ufeff${[head, ...rows].map((row) => `${row}\r\n`).join("")}`);
}
