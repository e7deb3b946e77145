// Hashes of spec/lcx.md section 2 and spec/ledger.md section 2. WebCrypto has no SHAKE-256, and gives each hash of a tree
// as a promise: these are those of @noble/hashes (vendor/README.md).

import { hmac } from "./vendor/noble-hashes-2.4.0/hmac.js";
import { sha256 } from "./vendor/noble-hashes-2.4.0/sha2.js";
import { shake256 } from "./vendor/noble-hashes-2.4.0/sha3.js";
import { joined, utf8 } from "./verify.js";

const PREFIX = utf8("LCX-v1/");

/** The number as so many bytes, big-endian. Takes a Number or a BigInt. */
export function big(number, length) {
  const out = new Uint8Array(length);
  for (let rest = BigInt(number), at = length - 1; at >= 0; at -= 1, rest >>= 8n) out[at] = Number(rest & 0xffn);
  return out;
}

function framed(label, parts) {
  const name = utf8(label);
  return joined([PREFIX, Uint8Array.of(name.length), name, ...parts.flatMap((part) => [big(part.length, 4), part])]);
}

/** SHA-256 of the parts, one after another. */
export const sha = (...parts) => sha256(joined(parts));

/** H(label, parts…), 32 bytes. */
export const digest = (label, ...parts) => sha256(framed(label, parts));

/** HMAC-SHA-256 of plain bytes. */
export const hmacOf = (key, message) => hmac(sha256, key, message);

/** HMAC-SHA-256 of the framed parts. */
export const mac = (key, label, ...parts) => hmac(sha256, key, framed(label, parts));

/** SHAKE-256 of the key (32 bytes) and the framed parts. */
export const stretch = (length, key, label, ...parts) => shake256(joined([key, framed(label, parts)]), { dkLen: length });

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

export const leafHash = (data) => sha256(joined([LEAF, data]));
export const nodeHash = (left, right) => sha256(joined([NODE, left, right]));
