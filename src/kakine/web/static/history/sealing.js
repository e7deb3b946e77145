// What is sealed to the session: HPKE (RFC 9180), DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, base mode. Keys
// and ciphers are those of WebCrypto; the private key of a session cannot be taken out of it.

import { big, hmacOf } from "./hashing.js";
import { Refused, joined, utf8 } from "./verify.js";

const KEM = joined([utf8("KEM"), Uint8Array.of(0, 0x20)]);
const SUITE = joined([utf8("HPKE"), Uint8Array.of(0, 0x20, 0, 1, 0, 2)]);
const VERSION = utf8("HPKE-v1");
const NONE = new Uint8Array(0);
const wrong = () => new Refused("seal-invalid");

/** A fresh session: `public` (32 bytes) and the private key, for one reading. Rejects where there is no X25519. */
export async function newSession() {
  const pair = await globalThis.crypto.subtle.generateKey({ name: "X25519" }, false, ["deriveBits"]);
  return { private: pair.privateKey, public: new Uint8Array(await globalThis.crypto.subtle.exportKey("raw", pair.publicKey)) };
}

/** The plaintext of enc ‖ ciphertext; refuses any other key, info or bytes. Anybody can seal: it shows no sender. */
export async function openSealed(session, info, sealed) {
  const enc = sealed.subarray(0, 32);
  const { key, nonce } = scheduled(encapsulated(await agreed(session, enc), enc, session.public), info);
  return aeadOpen(key, nonce, NONE, sealed.subarray(32));
}

/** enc ‖ ciphertext for the owner of this key (32 bytes). */
export async function sealTo(to, info, plaintext) {
  const own = await newSession();
  const secret = encapsulated(await agreed(own, to), own.public, to);
  const { key, nonce } = scheduled(secret, info);
  const imported = await globalThis.crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"]);
  const sealed = await globalThis.crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce }, imported, plaintext);
  return joined([own.public, new Uint8Array(sealed)]);
}

/** The key schedule of RFC 9180 section 5.1 in base mode, for the first message. */
function scheduled(secret, info) {
  const context = joined([Uint8Array.of(0), extract(SUITE, NONE, "psk_id_hash", NONE), extract(SUITE, NONE, "info_hash", info)]);
  const made = extract(SUITE, secret, "secret", NONE);
  return { key: expand(SUITE, made, "key", context, 32), nonce: expand(SUITE, made, "base_nonce", context, 12) };
}

/** AES-256-GCM. */
export async function aeadOpen(key, nonce, aad, sealed) {
  const { subtle } = globalThis.crypto;
  const imported = await subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]);
  try {
    return new Uint8Array(await subtle.decrypt({ name: "AES-GCM", iv: nonce, additionalData: aad }, imported, sealed));
  } catch (fault) {
    if (fault?.name !== "OperationError") throw fault;
    throw wrong();
  }
}

async function agreed(session, enc) {
  if (enc.length !== 32) throw wrong();
  const { subtle } = globalThis.crypto;
  const other = await subtle.importKey("raw", enc, { name: "X25519" }, false, []);
  try {
    return new Uint8Array(await subtle.deriveBits({ name: "X25519", public: other }, session.private, 256));
  } catch (fault) {
    // A point of small order.
    if (fault?.name !== "OperationError") throw fault;
    throw wrong();
  }
}

/** ExtractAndExpand of RFC 9180 section 4.1. */
function encapsulated(shared, enc, to) {
  return expand(KEM, extract(KEM, NONE, "eae_prk", shared), "shared_secret", joined([enc, to]), 32);
}

/** LabeledExtract; HKDF-Extract is one HMAC. */
const extract = (suite, salt, label, material) => hmacOf(salt, joined([VERSION, suite, utf8(label), material]));

/** LabeledExpand of at most 32 bytes; HKDF-Expand of one block is one HMAC. */
function expand(suite, key, label, info, length) {
  const labelled = joined([big(length, 2), VERSION, suite, utf8(label), info]);
  return hmacOf(key, joined([labelled, Uint8Array.of(1)])).subarray(0, length);
}
