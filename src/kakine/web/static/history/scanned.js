// Texts of QR codes on paper, as kakine/wire/scanned.py has them: receipts, records and signed pages (spec/verify.md
// sections 6 and 7). Unpacking is the browser's own; nothing is fetched.

import { Refused, hex, joined, sha256 } from "./verify.js";

const SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const MARK = "KAKINE1";
const MOST_FILE = 1 << 18;
const MOST_TEXT = 1 << 20;
const PIECE = /^([1-9][0-9]?)\/([1-9][0-9]?)\/([0-9A-F]{16})\/(.+)$/s;
const unreadable = (part = "") => new Refused("scan-unreadable", part);

/** RFC 9285. */
export function base45(data) {
  let text = "";
  for (let at = 0; at < data.length; at += 2) {
    const pair = at + 1 < data.length;
    let value = pair ? data[at] * 256 + data[at + 1] : data[at];
    for (let left = pair ? 3 : 2; left > 0; left -= 1, value = Math.floor(value / 45)) text += SIGNS[value % 45];
  }
  return text;
}

function unbase45(text) {
  if (text.length % 3 === 1) throw unreadable();
  const data = [];
  for (let at = 0; at < text.length; at += 3) {
    const digits = Array.from(text.slice(at, at + 3), (sign) => SIGNS.indexOf(sign));
    if (digits.includes(-1)) throw unreadable();
    const value = digits.reduceRight((sum, digit) => sum * 45 + digit, 0);
    if (value > (digits.length === 3 ? 0xffff : 0xff)) throw unreadable();
    data.push(...(digits.length === 3 ? [value >> 8, value & 0xff] : [value]));
  }
  return Uint8Array.from(data);
}

/** RFC 1950, whole, with nothing behind it, up to the most bytes of a file; else null. */
async function inflated(data) {
  const parts = [];
  let length = 0;
  try {
    const reader = new Blob([data]).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return joined(parts);
      length += value.length;
      if (length > MOST_FILE) {
        await reader.cancel();
        return null;
      }
      parts.push(value);
    }
  } catch {
    return null;
  }
}

async function fileOf(body) {
  const packed = unbase45(body);
  const file = await inflated(packed);
  // Some engines say nothing of bytes behind the end: then a shorter text would do as well.
  if (file === null || (await inflated(packed.subarray(0, -1))) !== null) throw unreadable();
  return file;
}

/**
 * What the codes in a text hold, one after another in any order, the same as often as it was read: {receipt, record,
 * page}, bytes or null.
 */
export async function readScans(text) {
  if (Array.from(text).length > MOST_TEXT) throw unreadable("length");
  const found = { E: new Set(), R: new Set(), P: new Set() };
  const texts = text.split(/[\r\n]+/).flatMap((line) => line.split(/(?=KAKINE1\/[ERP]\/)/)).map((each) => each.trim());
  for (const each of texts.filter((one) => one !== "")) {
    const kind = /^KAKINE1\/([ERP])\//.exec(each)?.[1];
    if (!kind) throw unreadable();
    found[kind].add(each.slice(MARK.length + 3));
  }
  const { E, R, P } = found;
  if (E.size > 1 || R.size > 1 || (P.size > 0 && E.size + R.size > 0)) throw unreadable("mixed");
  if (E.size + R.size + P.size === 0) throw unreadable();
  return {
    receipt: E.size > 0 ? await fileOf([...E][0]) : null,
    record: R.size > 0 ? await fileOf([...R][0]) : null,
    page: P.size > 0 ? await pageOf([...P]) : null,
  };
}

async function pageOf(texts) {
  const parts = new Map();
  const sets = new Set();
  for (const text of texts) {
    const piece = PIECE.exec(text);
    if (piece === null) throw unreadable();
    parts.set(Number(piece[1]), piece[4]);
    sets.add(`${piece[2]}/${piece[3]}`);
  }
  if (sets.size !== 1 || parts.size !== texts.length) throw unreadable("mixed");
  const [of, mark] = [...sets][0].split("/");
  const numbers = Array.from({ length: Number(of) }, (_, at) => at + 1);
  if (parts.size !== numbers.length || !numbers.every((number) => parts.has(number))) throw unreadable("missing");
  const file = await fileOf(numbers.map((number) => parts.get(number)).join(""));
  if (hex(await sha256(file)).slice(0, 16).toUpperCase() !== mark) throw unreadable("mixed");
  return file;
}

export const isScan = (text) => text.trimStart().startsWith(`${MARK}/`);

/** The text of a file that may be such texts; "" where it is no text of ours. */
export function scanText(data) {
  const text = new TextDecoder("utf-8").decode(data.subarray(0, MOST_TEXT));
  return isScan(text) ? text : "";
}

