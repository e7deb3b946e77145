// Own data of one area, opened as `protocols/own_data.read` does it, with the same codes (spec/own-data.md).

import { bytes, compare, hash, int, list, name, struct, whole, writeBytes, writeList } from "./messages.js";
import { digest } from "./hashing.js";
import { openSealed } from "./sealing.js";
import { Refused, utf8 } from "./verify.js";

export const MEDIA = "application/vnd.kakine.own-data+msgpack";
const BLOCK = 4096;
const MILLIS = (1n << 48n) - 1n;

const pageGiven = struct({ answers: list(struct({ domain: name, request: hash, sealed: bytes() })) });
const ownData = struct({
  domain: name,
  items: list(struct({
    item: name, layout: int(0n, 0xffffn), version: int(0n, (1n << 62n) - 1n),
    asOf: int(0n, MILLIS), expires: int(0n, MILLIS), data: bytes(),
  })),
});

export const writePageAsked = (session) => writeList([writeBytes(session)]);

/**
 * [{domain, items}] in order: what each holder of an area has. `holders` are those asked, [[domain, [item, …]], …].
 * Refuses with not-canonical, own-data-unfit and seal-invalid. It does not show that a holder has said so.
 */
export async function readOwnData(given, session, holders) {
  const { answers } = whole(pageGiven, given);
  const asked = holders.map(([domain]) => domain);
  if (answers.length !== asked.length || answers.some((each, at) => each.domain !== asked[at])) throw unfit();
  const told = [];
  for (const each of answers) told.push(await opened(session, each));
  told.forEach((one, at) => {
    const [domain, items] = holders[at];
    if (one.domain !== domain || !fits(one.items.map(({ item }) => item), items)) throw unfit();
  });
  return told.map(({ domain, items }) => ({ domain, items: items.map(({ raw, ...plain }) => plain) }));
}

const unfit = () => new Refused("own-data-unfit");

/** Of these items, each once, sorted. */
const fits = (found, items) =>
  found.every((item, at) => items.includes(item) && (at === 0 || compare(utf8(found[at - 1]), utf8(item)) < 0));

async function opened(session, { request, sealed }) {
  const framed = await openSealed(session, digest("own-data", request), sealed);
  const length = framed.length < 4 ? 0 : new DataView(framed.buffer, framed.byteOffset).getUint32(0);
  const content = framed.subarray(4, 4 + length);
  const filler = framed.subarray(4 + length);
  const whatever = filler.some((byte) => byte !== 0) || framed.length % BLOCK !== 0 || filler.length >= BLOCK;
  if (content.length !== length || whatever) throw new Refused("not-canonical");
  return whole(ownData, content);
}
