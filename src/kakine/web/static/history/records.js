// Records in their envelopes (spec/lcx.md section 6): opened with the three shares, and held against the entry's C.

import { big, nodeHash, sha, stretch } from "./hashing.js";
import { record as recordForm } from "./forms.js";
import { whole } from "./messages.js";
import { aeadOpen } from "./sealing.js";
import { Refused, joined, same, utf8 } from "./verify.js";

export const REQUEST = 1;
export const OUTCOME = 2;

const HEAD = 72;
const BODY = HEAD + 3 * 48;
const SIZES = [512, 1024, 2048];
const FIELD = utf8("ledger/v1/field");
const wrong = () => new Refused("not-canonical");

/** Refuses bytes that are no envelope. */
export function parseEnvelope(data) {
  if (!SIZES.some((size) => data.length === BODY + size + 16) || data[0] !== 1 || data[1] !== 1) throw wrong();
  return { data, ask: data.subarray(8, 40), digest: sha(data) };
}

/** The record of an envelope, which must be canonical and commit to C. */
export async function openEnvelope(envelope, shares, committed) {
  if (shares.length !== 3) throw new Refused("seal-invalid");
  const key = shares[0].map((byte, at) => byte ^ shares[1][at] ^ shares[2][at]);
  const inner = stretch(96, key, "envelope-keys", committed).subarray(64);
  const aad = new Uint8Array([...envelope.ask, ...committed]);
  const padded = await aeadOpen(inner, new Uint8Array(12), aad, envelope.data.subarray(BODY));
  const record = whole(recordForm, unpadded(padded));
  record.opened = openings(record);
  if (!same(rootOf(record.opened), committed)) throw wrong();
  return record;
}

function unpadded(padded) {
  const length = padded[0] * 256 + padded[1];
  const size = SIZES.find((each) => length + 2 <= each);
  if (padded.length !== size || padded.subarray(2 + length).some((byte) => byte !== 0)) throw wrong();
  return padded.subarray(2, 2 + length);
}

/** Salt and canonical value of every field, in the order of the commitment. */
function openings(record) {
  const values = [...Object.values(record.personal.raw), ...Object.values(record.common.raw)];
  const seeds = record.tag === REQUEST
    ? [record.person, record.disclosed, record.disclosed, record.withheld]
    : [record.person, record.disclosed];
  const salts = seeds.flatMap((seed, group) => {
    const all = stretch(128, seed, "salts", Uint8Array.of(4 * group + 1));
    return [0, 32, 64, 96].map((at) => all.subarray(at, at + 32));
  });
  return values.map((value, at) => ({ salt: salts[at], value }));
}

/**
 * What shows one own row to others (spec/objections.md section 2): 112 bytes that open its xid and nothing else, those
 * that open its parent, and what P is hashed with on its way to C.
 */
export function shownOf({ personal, opened }) {
  const leaves = opened.map(committedField);
  const [first, second, third, fourth] = leaves;
  const group = (at) => nodeHash(nodeHash(leaves[at], leaves[at + 1]), nodeHash(leaves[at + 2], leaves[at + 3]));
  return {
    xid: joined([personal.xid, opened[0].salt, second, nodeHash(third, fourth)]),
    parent: joined([personal.parent, opened[3].salt, third, nodeHash(first, second)]),
    siblings: [group(4), nodeHash(group(8), group(12))],
  };
}

const committedField = ({ salt, value }, at) => sha(FIELD, Uint8Array.of(at + 1), salt, big(value.length, 4), value);

/** C: the root over the commitments of all fields. */
function rootOf(opened) {
  let level = opened.map(committedField);
  while (level.length > 1) level = level.filter((_, at) => at % 2 === 0).map((left, at) => nodeHash(left, level[2 * at + 1]));
  return level[0];
}
