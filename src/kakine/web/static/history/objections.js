// Objections of whoever reads: what is shown and sealed for them, and what commission and agency say back, opened and
// verified here (spec/objections.md). No network and no document in this file.

import { digest } from "./hashing.js";
import { Heads } from "./history.js";
import { bytes, flag, hash, int, list, name, struct, text, whole, writeBytes, writeCount, writeList, writeText } from "./messages.js";
import { REQUEST, shownOf } from "./records.js";
import { newSession, openSealed, sealTo } from "./sealing.js";
import { KINDS, Refused, hex, readEntry, same, signed } from "./verify.js";

const REASONS = ["not-me", "not-asked", "data-wrong", "other"];
const LIMIT_MS = 30 * 86_400_000;
const NEVER = 0xffff;

const place = struct({ log: name, index: int(0n, (1n << 53n) - 1n) });
const millis = int(0n, (1n << 48n) - 1n);
const xid = bytes(16, 16);
const party = text(1, 40);
const told = struct({
  received: millis,
  logged: bytes(),
  passed: list(struct({ party, due: millis, delivered: flag, replied: bytes(), signature: bytes(), sealed: bytes() }), 1),
});
const logged = struct({ answer: bytes(), signature: bytes(), entry: bytes(80, 80), index: int(0n, (1n << 63n) - 1n), path: list(hash, 128), note: bytes() });
const answer = struct({ xid, place, finding: text(), party: text(0, 40), fault: text(0, 40), time: millis });
const replied = struct({ xid, place, party, reply: hash, time: millis });
const reply = struct({ xid, place, party, outcome: text(), words: text(0, 1000), time: millis, salt: hash });

/** Every objection among the opened rows with what it is to, the newest first: its reason, when it was filed, until when it has to be answered. */
export function objectionsIn(reading) {
  const rows = reading.files.rows.filter((row) => row.record.tag === REQUEST);
  const of = (kind) => rows.filter((row) => KINDS[row.entry.kind] === kind);
  const disputed = new Map(of("request").map((row) => [hex(row.record.personal.xid), row]));
  const found = new Map();
  for (const objection of of("annotation")) {
    const key = hex(objection.record.personal.parent);
    if (!disputed.has(key) || found.has(key)) continue;
    const filed = objection.entry.minutes * 60_000;
    found.set(key, { disputed: disputed.get(key), objection, reason: reasonOf(objection), filed, due: filed + LIMIT_MS });
  }
  return [...found.values()].sort((a, b) => b.filed - a.filed);
}

function reasonOf({ record: { common } }) {
  const [said] = common.items;
  if (common.items.length !== 1 || !REASONS.includes(said)) throw new Refused("objection-invalid", "reason");
  return said;
}

/** What it is to be passed on for: to whoever held what is wrong, else to whoever asked; null where no agency with a gateway is concerned. */
export function aimOf({ disputed, reason }, agencies) {
  if (reason === "not-me") return null;
  const { requester, recipient } = disputed.record.common;
  const to = (reason === "data-wrong" ? recipient : requester).split("/")[0];
  return Object.hasOwn(agencies, to) ? { aim: reason === "data-wrong" ? "holder" : "asker", party: to, ...agencies[to] } : null;
}

/**
 * {sealed, session, own}: the message to the commission, and the sessions to which it and the agency answer. `aim` is
 * "look", "check", or that of `to` (from `aimOf`); `items` and `note` are for the agency alone.
 */
export async function write(pair, { believed, to, aim, items = [], note = "" }) {
  const [session, own] = [await newSession(), await newSession()];
  const shown = shownIn(pair);
  const { personal } = pair.disputed.record;
  const claim = to === null ? new Uint8Array(0) : await sealTo(to.seal, digest("claim"), writeList([
    shown, writeBytes(own.public), writeText(pair.reason), writeText(personal.official), writeBytes(personal.case),
    writeList(items.map(writeText)), writeText(note),
  ]));
  const asked = writeList([shown, writeBytes(session.public), writeText(aim), writeBytes(claim)]);
  return { sealed: await sealTo(believed.said.commission.seal, digest("objection"), asked), session, own };
}

function shownIn({ disputed, objection }) {
  const [first, second] = [shownOf(disputed.record), shownOf(objection.record)];
  const at = (row) => writeList([writeText(row.origin), writeCount(row.index)]);
  const pair = (siblings) => writeList(siblings.map(writeBytes));
  return writeList([
    at(disputed), writeBytes(first.xid), pair(first.siblings), at(objection), writeBytes(second.parent), pair(second.siblings),
  ]);
}

/**
 * How it stands: {known, answer, passed, reply}. Rejects with the `Refused` of what does not hold; an agency's answer
 * that does not is `doubt` beside the commission's.
 */
export async function read(given, pair, { believed, to, session, own }) {
  const { personal } = pair.disputed.record;
  const said = whole(told, await openSealed(session, digest("objection-told", personal.xid), given));
  const found = { known: said.received > 0, answer: null, passed: null, reply: null, doubt: "" };
  if (said.logged.length > 0) found.answer = await checkAnswer(whole(logged, said.logged), pair, believed);
  const [passed] = said.passed;
  if (!passed) return found;
  found.passed = { party: passed.party, due: passed.due, delivered: passed.delivered, replied: passed.replied.length > 0 };
  if (passed.sealed.length === 0) return found;
  try {
    found.reply = await checkReply(passed, pair, to, own);
  } catch (fault) {
    if (!(fault instanceof Refused)) throw fault;
    found.doubt = fault.why;
  }
  return found;
}

const mismatch = (what) => new Refused("answer-mismatch", what);

function checkPlace(said, { disputed }) {
  const sameXid = same(said.xid, disputed.record.personal.xid);
  if (!sameXid || said.place.log !== disputed.origin || said.place.index !== disputed.index) throw mismatch("exchange");
}

/** The commission's answer: signed, to this objection, and standing in a log under its digest. */
async function checkAnswer(given, pair, believed) {
  if (!(await signed(believed.said.commission.key, given.signature, digest("objection-answer", given.answer)))) {
    throw new Refused("signature-invalid");
  }
  const said = whole(answer, given.answer);
  checkPlace(said, pair);
  const [entry, expected] = [readEntry(given.entry), digest("answer", given.answer)];
  const isAnswer = KINDS[entry.kind] === "annotation" && entry.converters === 0 && entry.expiry === NEVER;
  if (!isAnswer || !same(entry.commitment, expected) || !same(entry.payload, expected)) throw mismatch("entry");
  await new Heads(believed.logs).verify(given.index, given.path, given.note, given.entry);
  return said;
}

/** The agency's answer: the one of which it has signed, for the commission, that it gave it. */
async function checkReply(passed, pair, to, own) {
  if (to === null || to.party !== passed.party) throw mismatch("party");
  if (!(await signed(to.key, passed.signature, digest("claim-replied", passed.replied)))) throw new Refused("signature-invalid");
  const word = whole(replied, passed.replied);
  checkPlace(word, pair);
  const data = await openSealed(own, digest("claim-told", word.xid), passed.sealed);
  if (word.party !== passed.party || !same(word.reply, digest("claim-reply", data))) throw mismatch("reply");
  const said = whole(reply, data);
  checkPlace(said, pair);
  return said;
}
