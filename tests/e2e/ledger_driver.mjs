// Runs the inclusion check of verify.js over proofs from stdin and answers with a JSON list of reasons, "" for taken.
// {"module": path, "proofs": [{index, size, leaf, path, root}]}, hashes as hex
import { pathToFileURL } from "node:url";
import { text } from "node:stream/consumers";

const asked = JSON.parse(await text(process.stdin));
const { checkInclusion, Refused } = await import(pathToFileURL(asked.module).href);
const bytes = (hex) => new Uint8Array(Buffer.from(hex, "hex"));
const answers = [];
for (const { index, size, leaf, path, root } of asked.proofs) {
  try {
    await checkInclusion(bytes(leaf), BigInt(index), BigInt(size), path.map(bytes), bytes(root));
    answers.push("");
  } catch (refusal) {
    if (!(refusal instanceof Refused)) throw refusal;
    answers.push(refusal.why);
  }
}
console.log(JSON.stringify(answers));
