// What this browser keeps between two visits: whom it believes, the last head of each log, and when that was. So each
// reader is a small witness. Of the list it holds one thing, where in the log the last visit itself stands: a portal that
// reads for another account shows a list that lacks it. Whoever clears it is not alarmed.

import { base64 } from "./verify.js";

const NAME = "kakine-history/v1";
const bytes = (text) => Uint8Array.from(atob(text), (each) => each.charCodeAt(0));

/** {trusted, before, visited, view}: nulls and nothing at a first visit, and where what is kept is not ours. */
export function kept(storage = globalThis.localStorage) {
  const first = { trusted: null, before: {}, visited: null, view: null };
  try {
    const found = JSON.parse(storage.getItem(NAME) ?? "null");
    if (found === null) return first;
    const before = Object.fromEntries(Object.entries(found.heads).map(([origin, note]) => [origin, bytes(note)]));
    const view = Array.isArray(found.view) ? found.view : null;
    return { trusted: bytes(found.trust), before, visited: Number(found.visited) || null, view };
  } catch {
    return first;
  }
}

/** Keep what a reading has shown. The head of before stays for a log that is accused: it is the evidence. */
export function keep(reading, before, nowMs, storage = globalThis.localStorage) {
  const heads = { ...before };
  for (const [origin, note] of Object.entries(reading.heads)) if (!reading.accused[origin]) heads[origin] = note;
  const said = Object.fromEntries(Object.entries(heads).map(([origin, note]) => [origin, base64(note)]));
  try {
    storage.setItem(NAME, JSON.stringify({ trust: base64(reading.trust), heads: said, visited: nowMs, view: viewIn(reading) }));
  } catch {
    // A browser that keeps nothing reads as at a first visit.
  }
}

/** Whether the visit that was kept stands in this list, as a line or erased; true where none was kept. */
export function includes({ lines, erased }, view) {
  return view === null || [...lines, ...erased].some(({ origin, index }) => origin === view[0] && index === view[1]);
}

/** Where the visit of this very reading stands: logged before the list is given, so it is the newest of its kind. */
function viewIn({ lines }) {
  const found = lines.filter(({ kind }) => kind === "viewed").at(-1);
  return found ? [found.origin, found.index] : null;
}

export function forget(storage = globalThis.localStorage) {
  storage.removeItem(NAME);
}

/** Origin and size of each head that is kept, for the proofs from there. Notes of ours begin with origin and size. */
export function sizesOf(before) {
  return Object.entries(before).flatMap(([origin, note]) => {
    const size = Number(new TextDecoder().decode(note).split("\n")[1]);
    return Number.isSafeInteger(size) && size >= 0 ? [[origin, size]] : [];
  });
}
