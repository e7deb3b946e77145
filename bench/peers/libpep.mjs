// Times libpep (n-PEP) in Node and prints one JSON object. Usage: node libpep.mjs [items] [rounds]
//
// A hop is `rrsk`: re-randomise, reshuffle and rekey one ElGamal ciphertext, which is what one transcryptor does to
// one pseudonym. Random factors are drawn before the clock starts, so only group work and the calls are timed.
// `bytes` figures start from received bytes and end in bytes to send, as a converter's do. Every timed result is
// checked once against s1·s2·s3·M, and `oracle` holds group operations for another implementation to repeat.

import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";

const folder = new URL("./node_modules/@nolai/libpep-wasm/", import.meta.url);
const read = (name) => readFileSync(new URL(name, folder));
const pep = await import(new URL("pkg-web/libpep.js", folder));
pep.initSync({ module: read("pkg-web/libpep_bg.wasm") });

const items = Number(process.argv[2] ?? 64);
const rounds = Number(process.argv[3] ?? 5);
const HOPS = 3;

const random = () => pep.ScalarNonZero.random();
const each = (make) => Array.from({ length: items }, (_, j) => make(j));

const key = random();
const publicKey = pep.GroupElement.G().mul(key);
const messages = each(() => pep.GroupElement.random());
const ciphertexts = messages.map((message) => pep.encrypt(message, publicKey));
const received = ciphertexts.map((ciphertext) => ciphertext.toBytes());

// After hop h the message is under key k1·…·kh, so that is the public key the next hop re-randomises with.
let under = publicKey;
const hops = Array.from({ length: HOPS }, () => {
  const hop = { publicKey: under, s: random(), k: random(), r: each(random) };
  under = under.mul(hop.k);
  return hop;
});
const opening = hops.reduce((product, hop) => product.mul(hop.k), key);
const shuffled = hops.reduce((product, hop) => product.mul(hop.s), pep.ScalarNonZero.one());

const rrsk = (hop, ciphertext, j) => pep.rrsk(ciphertext, hop.publicKey, hop.r[j], hop.s, hop.k);
const chain = (ciphertext, j) => hops.reduce((value, hop) => rrsk(hop, value, j), ciphertext);
const bytesHop = (hop, bytes, j) => rrsk(hop, pep.ElGamal.fromBytes(bytes), j).toBytes();
const bytesChain = (bytes, j) => hops.reduce((value, hop) => bytesHop(hop, value, j), bytes);

function microseconds(work) {
  let best = Infinity;
  for (let round = 0; round < rounds; round += 1) {
    const start = performance.now();
    for (let j = 0; j < items; j += 1) work(j);
    best = Math.min(best, (performance.now() - start) * 1000 / items);
  }
  return Number(best.toFixed(2));
}

function confirm() {
  for (let j = 0; j < items; j += 1) {
    const expected = messages[j].mul(shuffled).toHex();
    const plain = pep.decrypt(chain(ciphertexts[j], j), opening).toHex();
    const carried = pep.decrypt(pep.ElGamal.fromBytes(bytesChain(received[j], j)), opening).toHex();
    if (plain !== expected || carried !== expected) throw new Error("libpep: three hops do not give s1·s2·s3·M");
  }
}

function oracle() {
  return Array.from({ length: 32 }, () => {
    const uniform = crypto.getRandomValues(new Uint8Array(64));
    const scalar = random();
    const point = pep.GroupElement.fromHash(uniform);
    const hex = Buffer.from(uniform).toString("hex");
    return { uniform: hex, scalar: scalar.toHex(), point: point.toHex(), product: point.mul(scalar).toHex() };
  });
}

confirm();
const figures = {
  multiplication: microseconds((j) => messages[j].mul(hops[0].s)),
  hop: microseconds((j) => rrsk(hops[0], ciphertexts[j], j)),
  hop_bytes: microseconds((j) => bytesHop(hops[0], received[j], j)),
  three_hops: microseconds((j) => chain(ciphertexts[j], j)),
  three_hops_bytes: microseconds((j) => bytesChain(received[j], j)),
  end_to_end_bytes: microseconds((j) => {
    const sent = pep.encrypt(messages[j], publicKey).toBytes();
    pep.decrypt(pep.ElGamal.fromBytes(bytesChain(sent, j)), opening).toBytes();
  }),
};
const { name, version } = JSON.parse(read("package.json"));
console.log(JSON.stringify({ peer: name, version, node: process.version, items, rounds, figures, oracle: oracle() }));
