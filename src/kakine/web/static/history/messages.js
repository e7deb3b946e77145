// Canonical MessagePack (spec/lcx.md section 2): one encoding for each value. Whatever a second encoding would write
// otherwise is refused here, so nothing has to be encoded again in order to compare.
//
// A *form* takes a `Reader` and gives the value. `whole(form, data)` takes all of the data, or refuses.

import { Refused, joined, utf8 } from "./verify.js";

const wrong = () => new Refused("not-canonical");
const utf8Text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

class Reader {
  constructor(data) {
    this.data = data;
    this.view = new DataView(data.buffer, data.byteOffset, data.length);
    this.at = 0;
  }

  take(length) {
    const from = this.at;
    if (length > this.data.length - from) throw wrong();
    this.at += length;
    return this.data.subarray(from, this.at);
  }

  byte() {
    return this.take(1)[0];
  }

  /** An unsigned number of 1, 2, 4 or 8 bytes that would not fit the next smaller width (`least`). */
  unsigned(width, least) {
    const from = this.at;
    this.take(width);
    if (width === 8) {
      const value = this.view.getBigUint64(from);
      if (value < least) throw wrong();
      return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
    }
    const read = this.view[{ 1: "getUint8", 2: "getUint16", 4: "getUint32" }[width]](from);
    if (read < least) throw wrong();
    return read;
  }

  negative(width, most) {
    const from = this.at;
    this.take(width);
    if (width === 8) {
      const value = this.view.getBigInt64(from);
      if (value >= most) throw wrong();
      return value >= -Number.MAX_SAFE_INTEGER ? Number(value) : value;
    }
    const read = this.view[{ 1: "getInt8", 2: "getInt16", 4: "getInt32" }[width]](from);
    if (read >= most) throw wrong();
    return read;
  }
}

/** The one value of this form that all of the data is. */
export function whole(form, data) {
  const reader = new Reader(data);
  const value = form(reader);
  if (reader.at !== data.length) throw wrong();
  return value;
}

/** A Number where it is safe, else a BigInt; within `least` … `most`. */
export const int = (least = -(1n << 63n), most = (1n << 64n) - 1n) => (reader) => {
  const value = anyInt(reader);
  if (value < least || value > most) throw wrong();
  return value;
};

function anyInt(reader) {
  const first = reader.byte();
  if (first <= 0x7f) return first;
  if (first >= 0xe0) return first - 0x100;
  switch (first) {
    case 0xcc: return reader.unsigned(1, 0x80);
    case 0xcd: return reader.unsigned(2, 0x100);
    case 0xce: return reader.unsigned(4, 0x10000);
    case 0xcf: return reader.unsigned(8, 0x100000000n);
    case 0xd0: return reader.negative(1, -0x20);
    case 0xd1: return reader.negative(2, -0x80);
    case 0xd2: return reader.negative(4, -0x8000);
    case 0xd3: return reader.negative(8, -0x80000000n);
    default: throw wrong();
  }
}

/** A length: `heads` are the first bytes of the forms with 1, 2 and 4 bytes (0 for none), `short` that of the form with
 * none, for up to `fits` values. */
function length(reader, heads, short, fits) {
  const first = reader.byte();
  if (fits > 0 && first >= short && first < short + fits) return first - short;
  const least = [fits, fits && heads[0] === 0 ? fits : 0x100, 0x10000];
  const at = heads.indexOf(first);
  if (at < 0 || heads[at] === 0) throw wrong();
  return reader.unsigned(1 << at, least[at]);
}

export const bytes = (least = 0, most = Infinity) => (reader) => {
  const size = length(reader, [0xc4, 0xc5, 0xc6], 0, 0);
  if (size < least || size > most) throw wrong();
  return reader.take(size);
};

export const hash = bytes(32, 32);

/** A text of so many code points. */
export const text = (least = 0, most = Infinity) => (reader) => {
  const data = reader.take(length(reader, [0xd9, 0xda, 0xdb], 0xa0, 32));
  let read;
  try {
    read = utf8Text.decode(data);
  } catch {
    throw wrong();
  }
  const points = Array.from(read).length;
  if (points < least || points > most) throw wrong();
  return read;
};

export const name = text(1, 80);

export const flag = (reader) => {
  const first = reader.byte();
  if (first !== 0xc2 && first !== 0xc3) throw wrong();
  return first === 0xc3;
};

export const list = (form, most = Infinity, least = 0) => (reader) => {
  const count = length(reader, [0, 0xdc, 0xdd], 0x90, 16);
  if (count < least || count > most) throw wrong();
  const values = [];
  while (values.length < count) values.push(form(reader));
  return values;
};

/** A map from texts, whose keys must ascend by their bytes: a Map. */
export const map = (key, form) => (reader) => {
  const count = length(reader, [0, 0xde, 0xdf], 0x80, 16);
  const values = new Map();
  let last = null;
  while (values.size < count) {
    const read = key(reader);
    const own = utf8(read);
    if (last !== null && compare(last, own) >= 0) throw wrong();
    last = own;
    values.set(read, form(reader));
  }
  return values;
};

/** Below 0, 0 or above, as the bytes come first, are the same, or come later. */
export function compare(a, b) {
  const shorter = Math.min(a.length, b.length);
  for (let at = 0; at < shorter; at += 1) if (a[at] !== b[at]) return a[at] - b[at];
  return a.length - b.length;
}

/** An array of exactly these fields, in order. The object also has `raw`: the bytes of each field by its name. */
export const struct = (fields) => (reader) => {
  const names = Object.keys(fields);
  if (length(reader, [0, 0xdc, 0xdd], 0x90, 16) !== names.length) throw wrong();
  return readFields(reader, fields, names);
};

function readFields(reader, fields, names) {
  const value = { raw: {} };
  for (const each of names) {
    const from = reader.at;
    value[each] = fields[each](reader);
    value.raw[each] = reader.data.subarray(from, reader.at);
  }
  return value;
}

/** An array of a number and the fields of the form under that number; `tag` is kept. */
export const tagged = (forms) => (reader) => {
  const count = length(reader, [0, 0xdc, 0xdd], 0x90, 16);
  const tag = anyInt(reader);
  const fields = forms[tag];
  if (!fields || count !== Object.keys(fields).length + 1) throw wrong();
  return { tag, ...readFields(reader, fields, Object.keys(fields)) };
};

// --- writing, as much as a question needs -------------------------------------------------------------------------

const head = (count, short, fits, wide) =>
  count < fits ? Uint8Array.of(short + count) : Uint8Array.of(wide, count >> 8, count & 0xff);

export const writeList = (parts) => joined([head(parts.length, 0x90, 16, 0xdc), ...parts]);

export const writeBytes = (data) =>
  joined([data.length < 0x100 ? Uint8Array.of(0xc4, data.length) : Uint8Array.of(0xc5, data.length >> 8, data.length & 0xff), data]);

export function writeText(value) {
  const data = utf8(value);
  if (data.length < 32) return joined([Uint8Array.of(0xa0 + data.length), data]);
  return joined([data.length < 0x100 ? Uint8Array.of(0xd9, data.length) : Uint8Array.of(0xda, data.length >> 8, data.length & 0xff), data]);
}

export function writeCount(value) {
  const number = BigInt(value);
  if (number < 0x80n) return Uint8Array.of(Number(number));
  const width = number < 0x100n ? 0 : number < 0x10000n ? 1 : number < 0x100000000n ? 2 : 3;
  const out = new Uint8Array(1 + (1 << width));
  out[0] = 0xcc + width;
  for (let rest = number, at = out.length - 1; at > 0; at -= 1, rest >>= 8n) out[at] = Number(rest & 0xffn);
  return out;
}
