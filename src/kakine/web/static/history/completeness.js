// That a history is complete: every row of it, and no other, stands in a record keeper's indexes (spec/index.md). The
// same steps in the same order as protocols/completeness.py, index_check.py, index.py and seals.py.

import { indexRoot } from "./forms.js";
import { big, digest, mac, sha } from "./hashing.js";
import { compare, whole } from "./messages.js";
import { checkRange } from "./tree.js";
import { Refused, joined, readEntry, same, signed, utf8 } from "./verify.js";

const ROW = 68;
const DAY_MINUTES = 1440;
const INDEX_ROOT = 5;
export const UNSEAL = 6;
const GENESIS = new Uint8Array(32);
const EMPTY = sha();
const LIST = utf8("ledger/v1/list");

const refused = (code, part = "") => new Refused(code, part);
const sum = (numbers) => numbers.reduce((total, each) => total + BigInt(each), 0n);
const key = (origin, index) => `${origin}\n${index}`;

/** What the indexes in `shown` confirm of the verified `rows` ({origin, index, entry, data}, one for each place): how many
 * are confirmed, up to where (of all logs together), how many are later, and how many of all people are sealed. `by` has
 * the keeper's name and key, and `heads` for the logs. */
export async function checkHistory(shown, rows, by) {
  if (shown.lists.length === 0 || shown.lists.some((each) => each.proofs.length !== shown.roots.length)) {
    throw refused("index-proof-invalid", "absent");
  }
  const roots = [];
  for (const each of shown.roots) roots.push(await readRoot(each, by));
  const origins = new Set([...rows.map((row) => row.origin), ...roots.map((each) => each.root.origin)]);
  for (const each of shown.lists) for (const origin of each.places.keys()) origins.add(origin);
  const opened = checkOpened(rows);
  const listed = rows.filter((row) => !opened.has(key(row.origin, row.index)));
  const untils = new Map();
  const whole = { confirmed: 0, until: 0n, provisional: 0 };
  for (const origin of [...origins].sort((a, b) => compare(utf8(a), utf8(b)))) {
    const part = checkLog(shown, roots, listed.filter((row) => row.origin === origin), origin);
    untils.set(origin, part.until);
    whole.confirmed += part.confirmed;
    whole.until += BigInt(part.until);
    whole.provisional += part.provisional;
  }
  // What was withheld stands in no index itself: it is as sure as one of the rows that opened it.
  const sure = [...opened.values()].filter((all) => all.some((row) => row.index < untils.get(row.origin))).length;
  return {
    confirmed: whole.confirmed + sure,
    until: String(whole.until),
    provisional: whole.provisional + opened.size - sure,
    sealed: String(sum(roots.map((each) => each.root.sealed))),
  };
}

async function readRoot(given, by) {
  if (!(await signed(by.key, given.signature, digest("index", given.root)))) throw refused("signature-invalid");
  const root = whole(indexRoot, given.root);
  checkRoot(root);
  if (root.keeper !== by.keeper || root.origin !== by.heads.originOf(given.note)) throw refused("index-chain-broken", "keeper");
  await by.heads.verify(given.index, given.path, given.note, given.entry);
  return { root, digest: digest("index-root", given.root), index: given.index, entry: given.entry };
}

function checkRoot(root) {
  const wrong = (part) => refused("index-root-invalid", part);
  if (root.start >= root.end) throw wrong("range");
  if (root.days.some((each, at) => at > 0 && root.days[at - 1].day >= each.day)) throw wrong("days");
  const total = sum(root.days.map((each) => each.total));
  if (root.days.some((each) => each.rows > each.total) || total + BigInt(root.sealed) > BigInt(root.end) - BigInt(root.start)) {
    throw wrong("totals");
  }
  if (root.days.length === 0 && !same(root.root, EMPTY)) throw wrong("root");
}

/** By place of each sealed row the rows that open it. */
function checkOpened(rows) {
  const wrong = (part) => refused("unseal-mismatch", part);
  const openings = rows.filter((row) => row.entry.kind === UNSEAL);
  const unused = new Set(openings);
  const found = new Map();
  for (const row of rows) {
    if (row.entry.until === 0) continue;
    const said = digest("unseal", utf8(row.origin), big(row.index, 8));
    const own = openings.filter((each) => same(each.entry.payload, said));
    if (own.length === 0) throw wrong("unopened");
    for (const each of own) {
      if (!same(each.entry.commitment, said)) throw wrong("entry");
      if (each.entry.minutes < row.entry.until * DAY_MINUTES) throw wrong("early");
      unused.delete(each);
    }
    found.set(key(row.origin, row.index), own);
  }
  if (unused.size > 0) throw wrong("nothing");
  return found;
}

function checkLog(shown, roots, own, origin) {
  const numbers = roots.flatMap((each, number) => (each.root.origin === origin ? [number] : []));
  const until = numbers.length > 0 ? roots[numbers[numbers.length - 1]].root.end : 0;
  const byPlace = new Map(own.map((row) => [row.index, row]));
  const places = shown.lists.map((each) => each.places.get(origin) ?? []);
  checkCover(places, byPlace, until);
  let confirmed = 0;
  shown.lists.forEach((each, at) => {
    const steps = numbers.map((number) => ({
      ...roots[number], entry: readEntry(roots[number].entry), proofs: byDay(roots[number].root, each.proofs[number]),
    }));
    confirmed += checkComplete(each.key, steps, places[at].map((place) => byPlace.get(place)));
  });
  return { confirmed, until, provisional: own.filter((row) => row.index >= until).length };
}

/** Every row below `until` is in exactly one list, and no list has another. */
function checkCover(lists, rows, until) {
  const all = lists.flat();
  const places = new Set(all);
  if (all.length !== places.size || all.some((place) => !rows.has(place) || place >= until)) {
    throw refused("index-proof-invalid", "places");
  }
  if ([...rows.keys()].some((place) => place < until && !places.has(place))) throw refused("index-row-missing");
}

function byDay(root, proofs) {
  if (proofs.length !== root.days.length) throw refused("index-proof-invalid", "absent");
  return new Map(root.days.map((each, at) => [each.day, proofs[at]]));
}

function checkComplete(listKey, steps, rows) {
  checkChain(steps);
  let until = 0;
  for (const step of steps) {
    checkLogged(step);
    checkShown(listKey, step, rows);
    until = step.root.end;
  }
  return rows.filter((row) => row.index < until).length;
}

function checkChain(steps) {
  const wrong = (part) => refused("index-chain-broken", part);
  let [end, previous] = [0, GENESIS];
  for (const { root, digest: own } of steps) {
    if (root.keeper !== steps[0].root.keeper || root.origin !== steps[0].root.origin) throw wrong("keeper");
    if (root.start !== end) throw wrong(root.start > end ? "gap" : "overlap");
    if (!same(root.previous, previous)) throw wrong("previous");
    [end, previous] = [root.end, own];
  }
}

function checkLogged({ root, digest: own, index, entry }) {
  if (entry.kind !== INDEX_ROOT || !same(entry.commitment, own) || !same(entry.payload, own)) {
    throw refused("index-not-logged", "entry");
  }
  if (index < root.end) throw refused("index-not-logged", "place");
}

function checkShown(listKey, { root, proofs }, rows) {
  const own = new Map();
  for (const row of rows) {
    if (row.index < root.start || row.index >= root.end) continue;
    const day = Math.floor(row.entry.minutes / DAY_MINUTES);
    own.set(day, [...(own.get(day) ?? []), row.index]);
  }
  const known = new Set(root.days.map((each) => each.day));
  if ([...own.keys()].some((day) => !known.has(day))) throw refused("index-row-missing");
  for (const each of root.days) {
    const place = [utf8(root.origin), big(root.start, 8), big(each.day, 4)];
    const found = find(root, mac(listKey, "index-tag", ...place), proofs.get(each.day));
    checkRow(found, mac(listKey, "index-salt", ...place), (own.get(each.day) ?? []).sort((a, b) => (a < b ? -1 : 1)));
  }
}

function checkRow(found, salt, own) {
  const stated = found?.count ?? 0;
  if (stated > own.length) throw refused("index-row-hidden");
  if (stated < own.length) throw refused("index-row-missing");
  if (found && !same(found.sealed, digest("index-list", salt, listDigest(own)))) throw refused("index-list-differs");
}

const listDigest = (places) => sha(LIST, big(places.length, 4), joined(places.map((place) => big(place, 8))));

/** The row of `tag`, or null if the proof shows that there is none. */
function find(root, tag, proof) {
  const rows = provedRows(root, proof);
  if (same(proof.rows.subarray(0, 32), tag)) {
    if (rows.length !== 1) throw refused("index-proof-invalid", "tag");
    return rows[0];
  }
  if (rows.some((row) => same(row.tag, tag))) throw refused("index-proof-invalid", "present");
  if (rows.length === 2) {
    if (!(compare(rows[0].tag, tag) < 0 && compare(tag, rows[1].tag) < 0)) throw refused("index-proof-invalid", "between");
  } else if (rows.length === 1) {
    const size = sum(root.days.map((each) => each.rows));
    const beforeAll = BigInt(proof.first) === 0n && compare(tag, rows[0].tag) < 0;
    const afterAll = BigInt(proof.first) === size - 1n && compare(rows[0].tag, tag) < 0;
    if (!beforeAll && !afterAll) throw refused("index-proof-invalid", "end");
  }
  return null;
}

/** The rows of a proof, once they stand where it says in the tree of the root. */
function provedRows(root, { first, rows, path }) {
  const size = sum(root.days.map((each) => each.rows));
  const encoded = [];
  for (let at = 0; at < rows.length; at += ROW) encoded.push(rows.subarray(at, at + ROW));
  if (encoded.length === 0) {
    if (size || BigInt(first) !== 0n || path.length) throw refused("index-proof-invalid", "empty");
    return [];
  }
  const read = encoded.map(readRow);
  try {
    checkRange(encoded, BigInt(first), size, path, root.root);
  } catch (fault) {
    if (fault instanceof Refused) throw refused("index-proof-invalid", "inclusion");
    throw fault;
  }
  return read;
}

function readRow(data) {
  const count = data.length === ROW ? new DataView(data.buffer, data.byteOffset).getUint32(32) : 0;
  if (count === 0) throw refused("index-proof-invalid", "row");
  return { tag: data.subarray(0, 32), count, sealed: data.subarray(36) };
}
