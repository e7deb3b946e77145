// Merkle trees of RFC 6962: range proofs and consistency proofs, as crypto/merkle.py has them. Places and sizes are BigInt.

import { leafHash, nodeHash, sha } from "./hashing.js";
import { Refused, same } from "./verify.js";

const EMPTY = sha();

/** The largest power of two below `count`, for count >= 2; `from` is a power of two that is not smaller. */
function split(count, from = 1n << 63n) {
  let half = from;
  while (half >= count) half >>= 1n;
  return half;
}

/** Refuses unless these leaves (their data) stand from `first` on in the tree of `size` with `root`. */
export function checkRange(leaves, first, size, proof, root) {
  const wrong = (part) => new Refused("inclusion-invalid", part);
  const end = first + BigInt(leaves.length);
  if (leaves.length === 0 || end > size) throw wrong("range");
  const hashes = leaves.map(leafHash);
  let used = 0;
  const below = (low, high, from) => {
    if (end <= low || high <= first) {
      if (used === proof.length) throw wrong("too short");
      return proof[used++];
    }
    if (high - low === 1n) return hashes[Number(low - first)];
    const half = split(high - low, from);
    return nodeHash(below(low, low + half, half), below(low + half, high, half));
  };
  const computed = below(0n, size);
  if (used < proof.length) throw wrong("too long");
  if (!same(computed, root)) throw wrong("root");
}

/** RFC 9162 section 2.1.4.2: refuses unless the tree of `old` is the beginning of that of `size`. */
export function checkConsistency(old, size, proof, oldRoot, root) {
  const wrong = (part) => new Refused("consistency-invalid", part);
  if (old > size) throw wrong("sizes");
  if (old === 0n || old === size) {
    const fits = same(oldRoot, old === 0n ? EMPTY : root) && (size !== 0n || same(root, EMPTY));
    if (proof.length > 0 || !fits) throw wrong("root");
    return;
  }
  const path = (old & (old - 1n)) === 0n ? [oldRoot, ...proof] : proof;
  if (path.length < 2) throw wrong("too short");
  let [node, last] = [old - 1n, size - 1n];
  while (node & 1n) [node, last] = [node >> 1n, last >> 1n];
  let [older, newer] = [path[0], path[0]];
  for (const sibling of path.slice(1)) {
    if (last === 0n) throw wrong("too long");
    if (node & 1n || node === last) {
      [older, newer] = [nodeHash(sibling, older), nodeHash(sibling, newer)];
      while (!(node & 1n) && node) [node, last] = [node >> 1n, last >> 1n];
    } else {
      newer = nodeHash(newer, sibling);
    }
    [node, last] = [node >> 1n, last >> 1n];
  }
  if (last) throw wrong("too short");
  if (!same(older, oldRoot) || !same(newer, root)) throw wrong("root");
}

/** The hashes of one leaf's range proof in the order of RFC 6962: from the leaf's sibling up. */
export function auditPath(index, size, proof) {
  const path = [];
  let [low, high, from, to] = [0n, size, 0, proof.length];
  while (high - low > 1n) {
    const middle = low + split(high - low);
    if (index < middle) {
      path.push(proof[--to]);
      high = middle;
    } else {
      path.push(proof[from++]);
      low = middle;
    }
  }
  return path.reverse();
}
