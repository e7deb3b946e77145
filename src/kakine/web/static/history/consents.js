// Consents to the latest items, and links of certificates, among the lines of one history (spec/decisions.md sections 2
// and 3): what `protocols/decisions.py` finds in the same history. No network and no document in this file.

import { GROUND, decidedAs } from "./decisions.js";
import { mac } from "./hashing.js";
import { bytes, int, list, text } from "./messages.js";
import { hex, unhex } from "./verify.js";

const MILLIS = int(0n, (1n << 48n) - 1n);

/** A message of these fields, in this order, that begins with its tag. */
const tagged = (tag, ...forms) => (reader) => {
  const read = forms.map(() => null);
  const parts = [int(tag, tag), ...forms.map((form, at) => (inner) => { read[at] = form(inner); })];
  let next = 0;
  list((inner) => parts[next++]?.(inner), parts.length, parts.length)(reader);
  return read;
};

const allowed = tagged(1, bytes(16, 16), text(1, 80), list(text(1, 20), 8, 1), text(1, 80), MILLIS);
const withdrawn = tagged(2, bytes(16, 16));
const linked = tagged(3, text(1, 80));

const decided = (lines, form) =>
  lines.filter((line) => line.ground === GROUND)
    .map((line) => ({ line, said: decidedAs(form, line.case) }))
    .filter(({ said }) => said !== null);

const markOf = (grant, line) => hex(mac(grant, "latest-use", unhex(line.xid)).subarray(0, 16));

/**
 * Every consent in the order of the lines: {grant (hex), client, items, purpose, until, time, withdrawn, uses}; `uses` are
 * the times of the exchanges that were made under it.
 */
export function consentsOf(lines) {
  const ended = new Set(decided(lines, withdrawn).map(({ said: [grant] }) => hex(grant)));
  const marked = lines.filter((line) => line.parent !== "");
  return decided(lines, allowed).map(({ line, said: [grant, client, items, purpose, until] }) => ({
    grant: hex(grant), client, items, purpose, until, time: line.time, withdrawn: ended.has(hex(grant)),
    uses: marked.filter((each) => each.parent === markOf(grant, each)).map((each) => each.time),
  }));
}

/** Every link of certificates that a relying party was told: {client, time}. */
export const linksOf = (lines) => decided(lines, linked).map(({ line, said: [client] }) => ({ client, time: line.time }));
