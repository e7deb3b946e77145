// The messages of a reading, field by field as wire/reading.py, wire/history.py, wire/index.py and wire/record.py have them.

import { bytes, flag, hash, int, list, map, name, struct, tagged, text, writeBytes, writeCount, writeList, writeText } from "./messages.js";

const SAFE = (1n << 53n) - 1n;
const INDEX = (1n << 63n) - 1n;
const U32 = (1n << 32n) - 1n;
const MILLIS = (1n << 48n) - 1n;

const place = int(0n, SAFE);
const index = int(0n, INDEX);
const path = list(hash, 128);

const keptRow = struct({
  entry: bytes(80, 80), envelope: place, index: place, proof: path, note: place, holds: list(name),
});

const kept = struct({ statement: bytes(), signature: bytes(), rows: list(keptRow), indexed: bytes() });

const logNow = struct({
  origin: name, served: bytes(), witnessed: bytes(), seen: list(bytes()), since: path, unasked: flag,
});

export const historyGiven = struct({
  request: hash,
  blobs: list(bytes()),
  lists: list(kept),
  shares: list(bytes()),
  proved: list(struct({ proof: path, note: place })),
  logs: list(logNow),
  trust: bytes(),
});

export const trust = struct({
  keepers: list(struct({ keeper: name, key: hash }), 8, 1),
  logs: list(struct({ origin: name, key: hash, final: bytes(), dead: flag }), 1024, 1),
  policy: bytes(),
  commission: struct({ key: hash, seal: hash }),
});

export const statement = struct({ keeper: name, request: hash, count: int(0n), head: hash, time_ms: int() });

// --- the completeness index ---------------------------------------------------------------------------------------

const atLeastOne = int(1n, U32);

export const indexRoot = struct({
  keeper: name,
  origin: name,
  start: index,
  end: index,
  days: list(struct({ day: int(0n, U32), rows: atLeastOne, total: atLeastOne }), 4096),
  sealed: index,
  root: hash,
  previous: hash,
});

const proof = struct({ first: index, rows: bytes(0, 136), path });

export const indexed = struct({
  roots: list(struct({ root: bytes(), signature: bytes(), entry: bytes(), index, path, note: bytes() })),
  lists: list(struct({ key: hash, places: map(name, list(index)), proofs: list(list(proof)) })),
});

// --- records ------------------------------------------------------------------------------------------------------

const batch = bytes(16, 16);
const millis = int(0n, MILLIS);

const requestCommon = struct({
  requester: name, recipient: name, ground: name, rows: list(name),
  ask: hash, time_ms: millis, month: int(), seal: int(),
  unit: text(), channel: int(), items: list(name), query: hash,
});
const requestPersonal = struct({ xid: batch, official: text(), case: bytes(), parent: bytes() });
const outcomeCommon = struct({ request: hash, provider: name, time_ms: millis, month: int() });
const outcomePersonal = struct({ xid: batch, index: int(), result: list(text()), response: hash });

/** A record; `tag` is 1 for a request and 2 for an outcome. */
export const record = tagged({
  1: { common: requestCommon, personal: requestPersonal, disclosed: hash, withheld: hash, person: hash },
  2: { common: outcomeCommon, personal: outcomePersonal, disclosed: hash, person: hash },
});

/** The question: the session's public key, and (origin, size) of each head that the reader keeps. */
export const writeAsked = (session, since) =>
  writeList([
    writeBytes(session),
    writeList(since.map(([origin, size]) => writeList([writeText(origin), writeCount(size)]))),
  ]);
