// What a person has decided (spec/decisions.md): 512 bytes in field `case` of an own decision. The kinds grow; of one that
// is not known here the texts are shown all the same.

import { bytes, int, list, text, whole } from "./messages.js";
import { Refused, unhex } from "./verify.js";

export const GROUND = "OWN-DECISION";

/** Any value that a decision may hold: a count, bytes, a text, or a list of these. */
function any(reader) {
  const first = reader.data[reader.at];
  if ((first >= 0xa0 && first <= 0xbf) || (first >= 0xd9 && first <= 0xdb)) return text()(reader);
  if (first >= 0xc4 && first <= 0xc6) return bytes()(reader);
  if ((first >= 0x90 && first <= 0x9f) || first === 0xdc || first === 0xdd) return list(any)(reader);
  return int()(reader);
}

const textsIn = (value) => (Array.isArray(value) ? value.flatMap(textsIn) : typeof value === "string" ? [value] : []);

/** What this form reads out of the 512 bytes (hex) of a decision, or null where they are none of that form. */
export function decidedAs(form, hex) {
  const data = unhex(hex);
  const length = data.length === 512 ? data[0] * 256 + data[1] : 511;
  if (length > 510 || data.subarray(2 + length).some((byte) => byte !== 0)) return null;
  try {
    return whole(form, data.subarray(2, 2 + length));
  } catch (fault) {
    if (!(fault instanceof Refused)) throw fault;
    return null;
  }
}

const anything = list(any, 64, 1);

/** {tag, texts} of these bytes (hex), or null where they are no decision. */
export function decisionOf(hex) {
  const read = decidedAs(anything, hex);
  if (read === null) return null;
  const [tag, ...fields] = read;
  return { tag: Number(tag), texts: fields.flatMap(textsIn) };
}
