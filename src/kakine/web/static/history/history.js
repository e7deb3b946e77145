// A resident's whole history, opened and verified here (spec/browser.md): the same refusals, codes and counts as
// `kakine history` gives for the same bytes (protocols/reading.py). No network and no document in this file.

import { UNSEAL, checkHistory } from "./completeness.js";
import * as forms from "./forms.js";
import { digest, sha } from "./hashing.js";
import { whole } from "./messages.js";
import { REQUEST, openEnvelope, parseEnvelope } from "./records.js";
import { openSealed } from "./sealing.js";
import { checkConsistency, checkRange } from "./tree.js";
import {
  KINDS, Refused, cosigners, hex, meets, readEntry, readHead, readNote, readPolicy, same, sha256, signed,
  signedBy, utf8,
} from "./verify.js";

export { newSession } from "./sealing.js";
export { writeAsked } from "./forms.js";

/** How old a witness's signature may be that counts for a view of now, and how far ahead of this clock; milliseconds. */
export const FRESH_MS = 300_000;
const AHEAD_MS = 60_000;
const VIEWED = KINDS.indexOf("viewed");
const GENESIS = new Uint8Array(32);
const ACCUSES = ["log-behind", "head-forked", "checkpoint-invalid", "signature-invalid"];

const incomplete = (what) => new Refused("history-incomplete", what);

/**
 * What a message shows to the holder of the session; rejects with the `Refused` of the first part that does not hold.
 *
 * `trusted` is what this browser believes from an earlier visit (bytes; null for a first one), `before` the notes of
 * that visit by log, `nowMs` this machine's clock. What an index or a head of now lacks is told in the answer, beside
 * rows that hold without it.
 */
export async function readHistory(given, session, { nowMs, trusted = null, before = {}, freshMs = FRESH_MS }) {
  const message = whole(forms.historyGiven, given);
  if (trusted !== null && !same(trusted, message.trust)) {
    throw Object.assign(new Refused("trust-changed"), { fingerprint: fingerprintOf(message.trust) });
  }
  const believed = await believe(message.trust);
  const lists = message.lists.map((each) => ({ ...each, rows: each.rows.map((row) => rowOf(message, row)) }));
  const heads = new Heads(believed.logs);
  const opened = await openRows(message, lists, session, believed, heads, nowMs);
  const proved = provedRows(message, lists);
  const counts = await countWitnessed(proved, believed, heads);
  const { confirmed, doubts } = await confirm(message, lists, opened.places, session, believed, heads);
  const judged = await judge(message, believed, before, nowMs, freshMs);
  return result({ message, lists, believed, opened, proved, counts, confirmed, doubts, judged });
}

/** What a reader compares with the published one: SHA-256 in hex. */
export const fingerprintOf = (trust) => hex(sha(trust));

/** What a reader believes: keys of record keepers and logs, the policy of witnesses. */
async function believe(data) {
  const said = whole(forms.trust, data);
  const policy = await readPolicy(said.policy);
  const logs = new Map();
  for (const each of said.logs) logs.set(each.origin, await logOf(each));
  return { policy, logs, keepers: new Map(said.keepers.map((each) => [each.keeper, each.key])), said };
}

async function logOf({ origin, key, final }) {
  const id = (await sha256(utf8(`${origin}\n`), Uint8Array.of(1), key)).subarray(0, 4);
  const log = { name: origin, id, key, final: null };
  if (final.length > 0) log.final = await openHead(final, log);
  return log;
}

/** The head that the log signed; refuses any other note. */
async function openHead(data, log) {
  const note = readNote(noteText(data));
  if (!(await signedBy(note, log))) throw new Refused("signature-invalid", "missing");
  return { ...readHead(note.text, log.name), note };
}

function noteText(data) {
  if (data.length > 1 << 17) throw new Refused("checkpoint-invalid", "length");
  return decoded(data);
}

function decoded(data) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    throw new Refused("checkpoint-invalid", "encoding");
  }
}

/** The logs that count, and the heads of them that were verified: one signature serves all rows under one note. */
export class Heads {
  constructor(logs) {
    this.logs = logs;
    this.known = new Map();
  }

  originOf(note) {
    const end = note.indexOf(10);
    return decoded(end < 0 ? note : note.subarray(0, end));
  }

  /** The head of the note, once the entry stands at `index` under it. */
  async verify(index, proof, note, entry) {
    const log = this.logs.get(this.originOf(note));
    if (!log) throw new Refused("checkpoint-invalid", "origin");
    if (entry.length !== 80) throw new Refused("not-canonical");
    const name = hex(sha(note));
    if (!this.known.has(name)) this.known.set(name, openHead(note, log));
    const head = await this.known.get(name);
    checkRange([entry], BigInt(index), head.size, proof, head.root);
    const { final } = log;
    if (final && (head.size > final.size || (head.size === final.size && !same(head.root, final.root)))) {
      throw new Refused("log-closed");
    }
    return head;
  }
}

// --- rows ---------------------------------------------------------------------------------------------------------

function blob(message, number) {
  if (number >= message.blobs.length) throw new Refused("not-canonical");
  return message.blobs[number];
}

const rowOf = (message, row) => ({
  data: row.entry,
  name: hex(row.entry),
  envelope: blob(message, row.envelope),
  index: row.index,
  proof: row.proof,
  note: blob(message, row.note),
  noteNumber: row.note,
  holds: row.holds,
});

async function openRows(message, lists, session, believed, heads, nowMs) {
  const said = [];
  for (const each of lists) said.push(await readStatement(each, believed.keepers));
  const named = said.map((each) => each.keeper);
  const known = [...believed.keepers.keys()];
  if (named.length !== known.length || new Set(named).size !== known.length) throw incomplete("keepers");
  lists.forEach((each, at) => checkCount(message.request, said[at], each.rows));
  const union = unionOf(lists.flatMap((each) => each.rows));
  const parts = [];
  for (const [at, sealed] of message.shares.entries()) {
    parts.push(await openSealed(session, digest("shares", message.request, Uint8Array.of(at + 1)), sealed));
  }
  if (parts.some((part) => part.length !== 32 * union.size)) throw incomplete("shares");
  const shares = new Map([...union.keys()].map((name, j) => [name, parts.map((part) => part.subarray(32 * j, 32 * j + 32))]));
  const distinct = new Map();
  for (const row of lists.flatMap((each) => each.rows)) distinct.set(`${row.name} ${row.noteNumber} ${row.index}`, row);
  const read = await inOrder([...distinct.values()], (row) =>
    openRow(row, union.get(row.name).envelope, shares.get(row.name), heads, nowMs));
  const places = new Map(read.map((row) => [`${row.origin}\n${row.index}`, row]));
  const hidden = {};
  lists.forEach((each, at) => {
    const shown = new Set(each.rows.filter((row) => row.envelope.length > 0 || mayBeBare(row.data, nowMs)).map((row) => row.name));
    const lacking = [...union].filter(([name]) => !shown.has(name)).map(([, row]) => row.index);
    if (lacking.length > 0) hidden[said[at].keeper] = lacking.sort((a, b) => a - b);
  });
  const rows = [...places.values()].sort((a, b) => a.entry.minutes - b.entry.minutes || a.index - b.index);
  return { said, places: rows, hidden, held: heldOf(lists, heads) };
}

/** What the function gives for each, all at once; the refusal of the first in order. */
async function inOrder(values, work) {
  const settled = await Promise.allSettled(values.map(work));
  for (const each of settled) if (each.status === "rejected") throw each.reason;
  return settled.map((each) => each.value);
}

async function readStatement(list, keepers) {
  const said = whole(forms.statement, list.statement);
  const key = keepers.get(said.keeper);
  if (!key) throw incomplete("keepers");
  if (!(await signed(key, list.signature, digest("history", list.statement)))) throw new Refused("signature-invalid");
  return said;
}

function checkCount(request, said, rows) {
  const head = rows.reduce((before, row) => digest("history-chain", before, row.data), GENESIS);
  if (!same(said.request, request) || said.count !== rows.length || !same(said.head, head)) throw incomplete("count");
}

/** Each entry once, in the order of first appearance, with its record where any list has that. */
function unionOf(rows) {
  const union = new Map();
  for (const row of rows) {
    const known = union.get(row.name);
    if (!known || (row.envelope.length > 0 && known.envelope.length === 0)) union.set(row.name, row);
  }
  return union;
}

async function openRow(row, sealed, shares, heads, nowMs) {
  await heads.verify(row.index, row.proof, row.note, row.data);
  const read = { origin: heads.originOf(row.note), index: row.index, entry: readEntry(row.data), data: row.data };
  if (read.entry.kind === UNSEAL) return { ...read, state: "opening" };
  if (sealed.length === 0 || shares.some((share) => share.every((byte) => byte === 0))) {
    if (!expired(read.entry.expiry, nowMs)) throw incomplete("erased too early");
    return { ...read, state: "erased" };
  }
  const envelope = parseEnvelope(sealed);
  if (!same(envelope.digest, read.entry.payload)) throw incomplete("envelope");
  return { ...read, state: "opened", envelope: sealed, record: await openEnvelope(envelope, shares, read.entry.commitment) };
}

/** Whether a month of expiry (since 2000-01) is over, in UTC. */
function expired(month, nowMs) {
  const now = new Date(nowMs);
  return (now.getUTCFullYear() - 2000) * 12 + now.getUTCMonth() > month;
}

function mayBeBare(data, nowMs) {
  const entry = readEntry(data);
  return entry.kind === UNSEAL || expired(entry.expiry, nowMs);
}

function heldOf(lists, heads) {
  const found = new Map();
  for (const row of lists.flatMap((each) => each.rows)) {
    const place = `${heads.originOf(row.note)}\n${row.index}`;
    found.set(place, new Set([...(found.get(place) ?? []), ...row.holds]));
  }
  return new Map([...found].filter(([, reasons]) => reasons.size > 0).map(([place, reasons]) => [place, [...reasons].sort()]));
}

// --- witnesses, indexes, heads of now -----------------------------------------------------------------------------

/** The row of each place under the proof of now, in the order of first appearance. */
function provedRows(message, lists) {
  const rows = lists.flatMap((each) => each.rows);
  const union = unionOf(rows);
  const heads = new Heads(new Map());
  const places = new Map();
  for (const row of rows) places.set(`${heads.originOf(row.note)}\n${row.index}`, row);
  if (message.proved.length !== places.size) throw incomplete("proofs");
  return [...places].map(([place, row], at) => ({
    place,
    index: row.index,
    data: row.data,
    envelope: union.get(row.name).envelope,
    proof: message.proved[at].proof,
    note: blob(message, message.proved[at].note),
  }));
}

async function countWitnessed(proved, believed, heads) {
  const signers = new Map();
  const least = [];
  for (const row of proved) {
    row.head = await heads.verify(row.index, row.proof, row.note, row.data);
    const { note } = row.head;
    if (!signers.has(note)) signers.set(note, [...(await cosigners(note, believed.policy)).keys()]);
    row.witnessed = believed.policy.quorum !== "none" && meets(believed.policy, signers.get(note));
    if (row.witnessed) least.push(signers.get(note).length);
  }
  return { witnessed: least.length, witnesses: least.length > 0 ? Math.min(...least) : 0 };
}

async function confirm(message, lists, places, session, believed, heads) {
  const [confirmed, doubts] = [{}, {}];
  for (const each of lists) {
    const { keeper } = whole(forms.statement, each.statement);
    try {
      const told = await openSealed(session, digest("indexed", message.request, utf8(keeper)), each.indexed);
      confirmed[keeper] = await checkHistory(whole(forms.indexed, told), places, { keeper, key: believed.keepers.get(keeper), heads });
    } catch (doubt) {
      if (!(doubt instanceof Refused)) throw doubt;
      doubts[keeper] = codeOf(doubt);
    }
  }
  return { confirmed, doubts };
}

export const codeOf = (refused) => refused.why.split("/")[0];

/** By log: why it is not known to be of now, what accuses it, and from which size it has only grown. */
async function judge(message, believed, before, nowMs, freshMs) {
  const [stale, accused, grown] = [{}, {}, {}];
  const now = new Map(message.logs.map((each) => [each.origin, each]));
  for (const [origin, log] of believed.logs) {
    try {
      if (Object.hasOwn(before, origin)) grown[origin] = await checkSince(log, now.get(origin), before[origin]);
      if (!log.final) await checkNow(log, now.get(origin), believed.policy, nowMs, freshMs);
    } catch (fault) {
      if (!(fault instanceof Refused)) throw fault;
      (ACCUSES.includes(codeOf(fault)) ? accused : stale)[origin] = codeOf(fault);
    }
  }
  return { stale, accused, grown };
}

async function checkSince(log, now, before) {
  const old = await openHead(before, log);
  if (!now || now.served.length === 0) throw new Refused("party-unavailable");
  const served = await openHead(now.served, log);
  checkLatest(served, [old]);
  try {
    checkConsistency(old.size, served.size, now.since, old.root, served.root);
  } catch (fault) {
    if (!(fault instanceof Refused)) throw fault;
    throw new Refused("head-forked");
  }
  return String(old.size);
}

async function checkNow(log, now, policy, nowMs, freshMs) {
  if (!now || now.served.length === 0) throw new Refused("party-unavailable");
  const served = await openHead(now.served, log);
  const seen = [];
  for (const each of now.seen) seen.push(await openHead(each, log));
  checkLatest(served, seen);
  if (now.unasked) throw new Refused("party-unavailable");
  if (now.witnessed.length === 0) throw new Refused("not-witnessed");
  const { note } = await openHead(now.witnessed, log);
  const times = [...(await cosigners(note, policy))];
  const young = times.filter(([, s]) => BigInt(nowMs - freshMs) <= s * 1000n && s * 1000n <= BigInt(nowMs + AHEAD_MS));
  if (!meets(policy, young.map(([witness]) => witness))) throw new Refused("head-stale");
}

function checkLatest(served, seen) {
  for (const each of seen) {
    if (each.size > served.size) throw new Refused("log-behind");
    if (each.size === served.size && !same(each.root, served.root)) throw new Refused("head-forked");
  }
}

// --- what is told -------------------------------------------------------------------------------------------------

function result({ message, lists, believed, opened, proved, counts, confirmed, doubts, judged }) {
  const signedFor = Math.max(...opened.said.map((each) => Number(each.count)));
  const verified = opened.places.length;
  const keepers = Object.values(confirmed);
  const provisional = keepers.length > 0 ? Math.max(...keepers.map((each) => each.provisional)) : verified;
  const calm = Object.keys(judged.accused).length === 0;
  const agreed = Object.keys(opened.hidden).length === 0 && Object.keys(doubts).length === 0;
  const covered = counts.witnessed > 0 && verified - counts.witnessed <= provisional;
  const byPlace = new Map(proved.map((row) => [row.place, row]));
  return {
    lines: linesOf(opened.places.filter((row) => row.state === "opened"), opened.held, byPlace, believed.keepers),
    erased: opened.places.filter((row) => row.state === "erased").map((row) => ({
      time: row.entry.minutes * 60000, origin: row.origin, index: row.index,
    })),
    held: [...opened.held].map(([place, held]) => ({ ...placeOf(place), held })),
    openings: opened.places.filter((row) => row.state === "opening").length,
    signed: signedFor,
    verified,
    ...counts,
    keepers: keepers.length,
    confirmed,
    doubts,
    hidden: opened.hidden,
    provisional,
    sealed: keepers.reduce((most, each) => (BigInt(each.sealed) > BigInt(most) ? each.sealed : most), "0"),
    ...judged,
    public: covered && calm && Object.keys(judged.stale).length === 0,
    complete: signedFor === verified && agreed && calm && keepers.length > 0,
    fingerprint: fingerprintOf(message.trust),
    trust: message.trust,
    heads: Object.fromEntries(message.logs.filter((each) => each.served.length > 0).map((each) => [each.origin, each.served])),
    logs: believed.said.logs.map((each) => ({ origin: each.origin, dead: each.dead, final: each.final })),
    policy: believed.said.policy,
    shown: new Map(message.logs.map((each) => [each.origin, each])),
    files: { rows: opened.places.filter((row) => row.state === "opened"), proved: byPlace, believed },
  };
}

function placeOf(place) {
  const [origin, index] = place.split("\n");
  return { origin, index: Number(index) };
}

const heldAt = (held, row) => held.get(`${row.origin}\n${row.index}`) ?? [];

/** Requests in order, each with its outcome where there is one. */
function linesOf(rows, held, proved, keepers) {
  const outcomes = new Map();
  for (const row of rows) {
    if (row.record.tag !== REQUEST) outcomes.set(`${hex(row.record.personal.xid)} ${row.record.personal.index}`, row);
  }
  const lines = rows.filter((row) => row.record.tag === REQUEST).map((row) => {
    const { common, personal } = row.record;
    const outcome = outcomes.get(`${hex(personal.xid)} ${row.index}`);
    return {
      time: common.time_ms,
      requester: common.requester,
      recipient: common.recipient,
      ground: common.ground,
      rows: common.rows,
      items: common.items,
      unit: common.unit,
      channel: Number(common.channel),
      official: personal.official,
      case: hex(personal.case),
      xid: hex(personal.xid),
      parent: hex(personal.parent),
      kind: KINDS[row.entry.kind],
      result: outcome ? outcome.record.personal.result[0] ?? "" : unanswered(row, keepers),
      answered: outcome ? outcome.record.common.time_ms : null,
      index: row.index,
      origin: row.origin,
      entry: hex(row.data),
      sealedUntil: row.entry.until,
      held: heldAt(held, row),
      witnessed: proved.get(`${row.origin}\n${row.index}`).witnessed,
    };
  });
  const known = new Map(lines.map((line) => [line.xid, line]));
  for (const line of lines) line.disputed = false;
  for (const line of lines) {
    if (line.ground === "OBJECTION" && known.has(line.parent)) known.get(line.parent).disputed = true;
  }
  return lines;
}

/** What a request that nobody answers is by itself: one that ends at the record keepers; "" where an answer is due. */
function unanswered(row, keepers) {
  if (row.entry.kind === VIEWED) return "viewed";
  return keepers.has(row.record.common.recipient.split("/")[0]) ? "recorded" : "";
}
