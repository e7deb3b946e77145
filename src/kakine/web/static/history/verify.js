// The verifier of spec/verify.md: the same steps, states and reasons as `kakine verify`, on WebCrypto alone.
// No library, no network, no document: verify/page.js shows what this finds, and tests run it over vectors/verify.
// history.js takes its formats from here.

export const STEPS = [
  "policy", "receipt", "log", "checkpoint", "witnesses", "entry", "inclusion", "record", "commitment", "envelope",
];

/** A refusal; `why` is the code of a problem (docs/reference/problems.md), and after a slash the part that is wrong. */
export class Refused extends Error {
  constructor(code, part = "") {
    super(part ? `${code}/${part}` : code);
    this.why = this.message;
  }
}

/** The verdict on bytes (Uint8Array; `record` may be null). Rejects only if this browser cannot verify at all. */
export async function verify(policy, receipt, record = null) {
  const given = { policy, receipt, record };
  const shown = { witnesses: [] };
  const steps = [];
  for (const step of STEPS) {
    if (steps.some((each) => each.state === "failed")) {
      steps.push({ step, state: "open", why: "" });
      continue;
    }
    try {
      steps.push({ step, state: (await CHECKS[step](shown, given)) ?? "held", why: "" });
    } catch (refusal) {
      if (!(refusal instanceof Refused)) throw refusal;
      steps.push({ step, state: "failed", why: refusal.why });
    }
  }
  const good = steps.every((each) => each.state !== "failed");
  return { good, steps, shown: good ? told(shown) : null };
}

/** Rejects unless this browser has SHA-256 and Ed25519; shows it on the first test of RFC 8032 section 7.1. */
export async function selfTest() {
  const key = unhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  const signature = unhex(
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  );
  if (!(await signed(key, signature, new Uint8Array(0)))) throw new Error("Ed25519 gives a wrong answer");
  if (await signed(key, signature, new Uint8Array(1))) throw new Error("Ed25519 gives a wrong answer");
}

const CHECKS = {
  async policy(shown, given) {
    shown.policy = await readPolicy(given.policy);
  },
  receipt(shown, given) {
    shown.proof = readProof(given.receipt);
  },
  log(shown) {
    const origin = shown.proof.note.split("\n", 1)[0];
    shown.logs = shown.policy.logs.filter((log) => log.name === origin);
    if (shown.logs.length === 0) throw new Refused("log-not-in-policy");
  },
  async checkpoint(shown) {
    shown.note = readNote(shown.proof.note);
    for (const log of shown.logs) {
      if (await signedBy(shown.note, log)) {
        shown.head = readHead(shown.note.text, log.name);
        shown.log ??= log;
      }
    }
    if (!shown.log) throw new Refused("signature-invalid", "missing");
  },
  async witnesses(shown) {
    shown.witnesses = [...(await cosigners(shown.note, shown.policy)).keys()];
    if (!meets(shown.policy, shown.witnesses)) throw new Refused("quorum-missing");
    if (shown.policy.quorum === "none") return "absent";
  },
  entry(shown) {
    shown.entry = readEntry(shown.proof.entry);
  },
  async inclusion(shown) {
    const { entry, index, path } = shown.proof;
    await checkInclusion(await sha256(Uint8Array.of(0), entry), index, shown.head.size, path, shown.head.root);
  },
  record(shown, given) {
    if (given.record === null) return "absent";
    shown.record = readRecord(given.record);
  },
  async commitment(shown) {
    if (!shown.record) return "absent";
    if (!STANDS_UNDER[shown.record.kind].includes(KINDS[shown.entry.kind])) throw new Refused("opening-mismatch", "kind");
    if (!same(await committed(shown.record), shown.entry.commitment)) throw new Refused("opening-mismatch", "commitment");
    const seal = shown.record.fields.find((field) => field.name === "seal")?.shown ?? null;
    if (seal !== null && seal !== shown.entry.until) throw new Refused("opening-mismatch", "seal");
  },
  async envelope(shown) {
    if (!shown.record || shown.record.envelope.length === 0) return "absent";
    if (!same(await sha256(shown.record.envelope), shown.entry.payload)) throw new Refused("opening-mismatch", "envelope");
  },
};

export const KINDS = [
  "", "request", "outcome", "governance", "erasure", "index_root", "unseal", "annotation", "viewed", "heartbeat",
  "statement",
];

/** Under entries of which kinds a record may stand: a view is a request to read one's own list. */
const STANDS_UNDER = { request: ["request", "annotation", "viewed"], outcome: ["outcome"] };

function told(shown) {
  return {
    key: shown.log.vkey,
    index: String(shown.proof.index),
    size: String(shown.head.size),
    kind: KINDS[shown.entry.kind],
    minutes: shown.entry.minutes,
    witnesses: [...shown.witnesses].sort(byCodePoint),
    fields: shown.record ? shown.record.fields.map((field) => [field.name, field.shown]) : [],
  };
}

// --- bytes and text ---------------------------------------------------------------------------------------------

export const utf8 = (text) => new TextEncoder().encode(text);
export const unhex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const PAIRS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

export function hex(data) {
  let text = "";
  for (const byte of data) text += PAIRS[byte];
  return text;
}

export const same = (a, b) => a.length === b.length && a.every((byte, at) => byte === b[at]);

function byCodePoint(a, b) {
  const [left, right] = [Array.from(a, (c) => c.codePointAt(0)), Array.from(b, (c) => c.codePointAt(0))];
  for (let at = 0; at < Math.min(left.length, right.length); at += 1) {
    if (left[at] !== right[at]) return left[at] - right[at];
  }
  return left.length - right.length;
}

function decoded(data, refusal) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    throw refusal;
  }
}

export function base64(data) {
  let text = "";
  for (const byte of data) text += String.fromCharCode(byte);
  return btoa(text);
}

/** Canonical standard base64 only: what `atob` forgives is found by making the text again. */
function unbase64(text, refusal) {
  let plain;
  try {
    plain = atob(text);
  } catch {
    throw refusal;
  }
  const data = Uint8Array.from(plain, (each) => each.charCodeAt(0));
  if (base64(data) !== text) throw refusal;
  return data;
}

function decimal(text, refusal) {
  if (!/^(?:0|[1-9][0-9]{0,18})$/.test(text) || BigInt(text) >= 1n << 63n) throw refusal;
  return BigInt(text);
}

// --- hashes and signatures --------------------------------------------------------------------------------------

export function joined(parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export async function sha256(...parts) {
  return new Uint8Array(await globalThis.crypto.subtle.digest("SHA-256", joined(parts)));
}

const nodeHash = (left, right) => sha256(Uint8Array.of(1), left, right);

const SMALL = new Set([
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]);

/** False for points of small order and forms that are not canonical, which WebCrypto lets pass and libsodium does not. */
function soundPoint(point) {
  const unsigned = Uint8Array.from(point);
  unsigned[31] &= 0x7f;
  const overflows = unsigned[31] === 0x7f && unsigned[0] >= 0xed && unsigned.subarray(1, 31).every((b) => b === 0xff);
  return !overflows && !SMALL.has(hex(unsigned));
}

/** Whether the Ed25519 signature is the key's, with what libsodium refuses refused. */
export async function signed(key, signature, message) {
  if (signature.length !== 64 || !soundPoint(signature.subarray(0, 32)) || !soundPoint(key)) return false;
  const imported = await globalThis.crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
  return globalThis.crypto.subtle.verify({ name: "Ed25519" }, imported, signature, message);
}

// --- c2sp.org/tlog-policy ---------------------------------------------------------------------------------------

export async function readPolicy(data) {
  const wrong = (part) => new Refused("policy-malformed", part);
  if (data.length > 1 << 16) throw wrong("length");
  const text = decoded(data, wrong("encoding"));
  if (/[\x00-\x08\x0b-\x1f\x7f]/.test(text) || !text.endsWith("\n")) throw wrong("form");
  const policy = { logs: [], witnesses: new Map(), groups: new Map(), quorum: null };
  const defined = (name) => policy.witnesses.has(name) || policy.groups.has(name);
  const unused = (name) => {
    if (name === "none" || defined(name)) throw wrong("name");
  };
  const counted = (words, least, most) => {
    if (words.length < least || words.length > most) throw wrong("line");
  };
  const takes = {
    async log(words) {
      counted(words, 1, 2);
      policy.logs.push(await readKey(words[0], 1, policy.logs, wrong));
    },
    async witness(words) {
      counted(words, 2, 3);
      unused(words[0]);
      policy.witnesses.set(words[0], await readKey(words[1], 4, [...policy.witnesses.values()], wrong));
    },
    async group(words) {
      counted(words, 3, Infinity);
      const [name, threshold, ...members] = words;
      unused(name);
      const taken = new Set([...policy.groups.values()].flatMap((group) => group.members));
      for (const member of members) {
        if (!defined(member) || taken.has(member)) throw wrong("member");
        taken.add(member);
      }
      policy.groups.set(name, { threshold: readThreshold(threshold, members.length, wrong), members });
    },
    async quorum(words) {
      counted(words, 1, 1);
      if (policy.quorum !== null || !(words[0] === "none" || defined(words[0]))) throw wrong("quorum");
      policy.quorum = words[0];
    },
  };
  for (const line of text.slice(0, -1).split("\n")) {
    const words = line.split(/[ \t]+/).filter((word) => word !== "");
    if (words.length === 0 || words[0].startsWith("#")) continue;
    if (!Object.hasOwn(takes, words[0])) throw wrong("line");
    await takes[words[0]](words.slice(1));
  }
  if (policy.quorum === null) throw wrong("quorum");
  return policy;
}

function readThreshold(word, members, wrong) {
  if (word === "all") return members;
  if (word === "any") return 1;
  if (!/^[1-9][0-9]{0,3}$/.test(word) || Number(word) > members) throw wrong("threshold");
  return Number(word);
}

export async function readKey(vkey, kind, taken, wrong) {
  const [, name, given, encoded] = /^([^+]*)(?:\+([^+]*)(?:\+(.*))?)?$/s.exec(vkey);
  if (!goodName(name)) throw wrong("key");
  const data = unbase64(encoded ?? "", wrong("key"));
  const key = data.subarray(1);
  if (key.length !== 32 || !soundPoint(key)) throw wrong("key");
  const id = (await sha256(utf8(`${name}\n`), data)).subarray(0, 4);
  if (data[0] !== kind || given !== hex(id)) throw wrong("key");
  if (taken.some((other) => same(other.key, key))) throw wrong("duplicate");
  return { name, id, key, vkey };
}

export const goodName = (name) => name !== "" && !/[+\x00-\x1f\p{White_Space}]/u.test(name);

/** Whether witnesses of these names are enough for the policy. */
export const meets = ({ groups, quorum }, names) => quorum === "none" || counts(groups, quorum, names);

function counts(groups, name, cosigned) {
  if (!groups.has(name)) return cosigned.includes(name);
  const { threshold, members } = groups.get(name);
  return members.filter((each) => counts(groups, each, cosigned)).length >= threshold;
}

// --- c2sp.org/tlog-proof, signed-note, tlog-checkpoint, tlog-cosignature -----------------------------------------

function readProof(data) {
  const wrong = (part) => new Refused("receipt-malformed", part);
  if (data.length > 1 << 18) throw wrong("length");
  const text = decoded(data, wrong("encoding"));
  const blank = text.indexOf("\n\n");
  if (blank < 0) throw wrong("form");
  const lines = text.slice(0, blank).split("\n");
  if (lines[0] !== "c2sp.org/tlog-proof@v1") throw wrong("header");
  const labelled = (line, label) => {
    if (!line?.startsWith(`${label} `)) throw wrong(label);
    return line.slice(label.length + 1);
  };
  const extra = labelled(lines[1], "extra");
  const index = decimal(labelled(lines[2], "index"), wrong("index"));
  const entry = unbase64(extra, wrong("extra"));
  const path = lines.slice(3).map((line) => unbase64(line, wrong("hash")));
  if (path.some((hash) => hash.length !== 32)) throw wrong("hash");
  return { entry, index, path, note: text.slice(blank + 2) };
}

export function readNote(note) {
  const wrong = (part) => new Refused("checkpoint-invalid", part);
  if (utf8(note).length > 1 << 17) throw wrong("length");
  const blank = note.lastIndexOf("\n\n");
  if (blank < 1 || !note.endsWith("\n") || blank + 2 === note.length || /[\x00-\x09\x0b-\x1f]/.test(note)) {
    throw wrong("form");
  }
  const lines = note.slice(blank + 2, -1).split("\n");
  if (lines.length > 16) throw wrong("signatures");
  return { text: note.slice(0, blank + 1), lines };
}

export function readSignature(line) {
  const wrong = (part) => new Refused("checkpoint-invalid", part);
  const parts = /^\u2014 ([^ ]*) (.*)$/su.exec(line);
  if (parts === null) throw wrong("signature");
  if (!goodName(parts[1])) throw wrong("name");
  const blob = unbase64(parts[2], wrong("signature"));
  if (blob.length < 5) throw wrong("signature");
  return { name: parts[1], blob };
}

/** Whether the log has signed the note; refuses a wrong signature of its key, and lines that are not well formed. */
export async function signedBy(note, log) {
  let found = false;
  for (const line of note.lines) {
    const { name, blob } = readSignature(line);
    if (name !== log.name || !same(blob.subarray(0, 4), log.id)) continue;
    if (!(await signed(log.key, blob.subarray(4), utf8(note.text)))) throw new Refused("signature-invalid");
    found = true;
  }
  return found;
}

export function readHead(text, origin) {
  const wrong = (part) => new Refused("checkpoint-invalid", part);
  const lines = text.split("\n");
  if (lines.length !== 4 || lines[0] !== origin) throw wrong("lines");
  const size = decimal(lines[1], wrong("size"));
  const root = unbase64(lines[2], wrong("root"));
  if (root.length !== 32) throw wrong("root");
  return { size, root };
}

/** Names of the policy's witnesses that have signed the note, with the latest time of each in seconds (BigInt). */
export async function cosigners(note, policy) {
  const found = new Map();
  for (const [name, witness] of policy.witnesses) {
    for (const each of note.lines.map(readSignature)) {
      if (each.name !== witness.name || !same(each.blob.subarray(0, 4), witness.id)) continue;
      const seconds = await checkCosignature(each.blob.subarray(4), witness.key, note.text);
      if (!(found.get(name) > seconds)) found.set(name, seconds);
    }
  }
  return found;
}

async function checkCosignature(blob, key, text) {
  const seconds = blob.length === 72 ? new DataView(blob.buffer, blob.byteOffset).getBigUint64(0) : 1n << 63n;
  if (seconds >= 1n << 63n || !(await signed(key, blob.subarray(8), utf8(`cosignature/v1\ntime ${seconds}\n${text}`)))) {
    throw new Refused("signature-invalid", "witness");
  }
  return seconds;
}

// --- the entry and its place in the tree (RFC 9162 section 2.1.3.2) ------------------------------------------------

/** The flag of an entry that its person was not shown until the day that stands at offset 12; only of these kinds. */
const SEALED = 1;
const SEALABLE = ["request", "outcome"];

export function readEntry(data) {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const sound = data.length === 80 && data[0] === 1 && data[1] >= 1 && data[1] < KINDS.length &&
    view.getUint16(6) < 16 && (view.getUint16(6) & SEALED) === (view.getUint32(12) === 0 ? 0 : SEALED) &&
    ((view.getUint16(6) & SEALED) === 0 || SEALABLE.includes(KINDS[data[1]]));
  if (!sound) throw new Refused("not-canonical");
  return {
    kind: data[1],
    converters: view.getUint16(2),
    expiry: view.getUint16(4),
    minutes: view.getUint32(8),
    until: view.getUint32(12),
    commitment: data.subarray(16, 48),
    payload: data.subarray(48, 80),
  };
}

/** The leaf hash stands at `index` of the tree of `size` (both BigInt), or this refuses; `path` goes up. */
export async function checkInclusion(leaf, index, size, path, root) {
  if (index >= size) throw new Refused("inclusion-invalid", "range");
  let [node, last, computed] = [index, size - 1n, leaf];
  for (const sibling of path) {
    if (last === 0n) throw new Refused("inclusion-invalid", "too long");
    if (node % 2n === 1n || node === last) {
      computed = await nodeHash(sibling, computed);
      while (node % 2n === 0n && node > 0n) [node, last] = [node / 2n, last / 2n];
    } else {
      computed = await nodeHash(computed, sibling);
    }
    [node, last] = [node / 2n, last / 2n];
  }
  if (last !== 0n) throw new Refused("inclusion-invalid", "too short");
  if (!same(computed, root)) throw new Refused("inclusion-invalid", "root");
}

// --- the record file ----------------------------------------------------------------------------------------------

const NAMES = {
  request: [
    "xid", "official", "case", "parent", "requester", "recipient", "ground", "rows",
    "ask", "time_ms", "month", "seal", "unit", "channel", "items", "query",
  ],
  outcome: ["xid", "index", "result", "response", "request", "provider", "time_ms", "month"],
};

function readRecord(data) {
  const wrong = new Refused("record-file-malformed");
  if (data.length > 1 << 18) throw wrong;
  let file;
  try {
    file = JSON.parse(decoded(data, wrong));
  } catch {
    throw wrong;
  }
  if (!same(utf8(`${JSON.stringify(canonicalRecord(file, wrong), null, 2)}\n`), data)) throw wrong;
  const names = NAMES[file.kind];
  if (file.fields.length !== names.length) throw wrong;
  const fields = file.fields.map((field, at) => readField(field, names[at], wrong));
  return { kind: file.kind, fields, envelope: unbase64(file.envelope ?? "", wrong) };
}

/** What the one form of this file is written from: known members in their order, empty ones left out. */
function canonicalRecord(file, wrong) {
  const text = (value) => {
    if (value !== undefined && typeof value !== "string") throw wrong;
    return value || undefined;
  };
  const known = file?.format === "kakine-record/v1" && typeof file.kind === "string" && Object.hasOwn(NAMES, file.kind);
  if (!known || !Array.isArray(file.fields)) throw wrong;
  const fields = file.fields.map((field) => ({
    salt: text(field?.salt), value: text(field?.value), hidden: text(field?.hidden),
  }));
  return { format: file.format, kind: file.kind, fields, envelope: text(file.envelope) };
}

function readField(field, name, wrong) {
  if (field.hidden) {
    const hidden = unbase64(field.hidden, wrong);
    if (field.salt || field.value || hidden.length !== 32) throw wrong;
    return { name, hidden, shown: null };
  }
  const salt = unbase64(field.salt ?? "", wrong);
  if (salt.length !== 32) throw wrong;
  const value = unbase64(field.value ?? "", wrong);
  return { name, salt, value, shown: readValue(value, wrong) };
}

/** Canonical MessagePack of a text, bytes (shown as hex), a count below 2^53, or an array of texts. */
function readValue(data, wrong) {
  const first = data[0];
  if (first === undefined) throw wrong;
  if (first <= 0x7f || (first >= 0xcc && first <= 0xcf)) return readCount(data, wrong);
  if (first >= 0xc4 && first <= 0xc6) {
    const { body, rest } = readBlock(data, [0xc4, 0xc5, 0xc6], 0, wrong);
    if (rest.length > 0) throw wrong;
    return hex(body);
  }
  if (isText(first)) {
    const { body, rest } = readBlock(data, [0xd9, 0xda, 0xdb], 0xa0, wrong);
    if (rest.length > 0) throw wrong;
    return decoded(body, wrong);
  }
  return readTexts(data, wrong);
}

const isText = (first) => (first >= 0xa0 && first <= 0xbf) || (first >= 0xd9 && first <= 0xdb);

function readCount(data, wrong) {
  const width = data[0] <= 0x7f ? 0 : 1 << (data[0] - 0xcc);
  if (data.length !== width + 1) throw wrong;
  const value = width === 0 ? data[0] : Number(`0x${hex(data.subarray(1))}`);
  const least = [0, 0x80, 0x100, 0, 0x10000, 0, 0, 0, 0x100000000][width];
  if (value < least || value >= 2 ** 53) throw wrong;
  return value;
}

/** A text (`short` is its one-byte form, for up to 31 bytes) or a byte string, and what comes behind it. */
function readBlock(data, heads, short, wrong) {
  const width = heads.indexOf(data[0]) < 0 ? 0 : 1 << heads.indexOf(data[0]);
  if (data.length < 1 + width) throw wrong;
  const length = width === 0 ? data[0] - short : parseInt(hex(data.subarray(1, 1 + width)), 16);
  const least = [0, short ? 32 : 0, 0x100, 0, 0x10000][width];
  if (length < least || data.length < 1 + width + length) throw wrong;
  return { body: data.subarray(1 + width, 1 + width + length), rest: data.subarray(1 + width + length) };
}

function readTexts(data, wrong) {
  const width = { 0xdc: 2, 0xdd: 4 }[data[0]] ?? 0;
  if ((width === 0 && (data[0] < 0x90 || data[0] > 0x9f)) || data.length < 1 + width) throw wrong;
  const count = width === 0 ? data[0] - 0x90 : parseInt(hex(data.subarray(1, 1 + width)), 16);
  if (count < { 0: 0, 2: 16, 4: 0x10000 }[width]) throw wrong;
  const texts = [];
  let rest = data.subarray(1 + width);
  while (texts.length < count) {
    if (rest.length === 0 || !isText(rest[0])) throw wrong;
    const block = readBlock(rest, [0xd9, 0xda, 0xdb], 0xa0, wrong);
    texts.push(decoded(block.body, wrong));
    rest = block.rest;
  }
  if (rest.length > 0) throw wrong;
  return texts;
}

/** C: the root over the commitments of all fields. */
async function committed(record) {
  let level = await Promise.all(record.fields.map((field, at) => field.hidden ?? fieldCommitment(at + 1, field)));
  while (level.length > 1) {
    const pairs = level.filter((_, at) => at % 2 === 0).map((left, at) => nodeHash(left, level[2 * at + 1]));
    level = await Promise.all(pairs);
  }
  return level[0];
}

function fieldCommitment(number, { salt, value }) {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, value.length);
  return sha256(utf8("ledger/v1/field"), Uint8Array.of(number), salt, length, value);
}
