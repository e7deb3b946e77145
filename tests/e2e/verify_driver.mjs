// Runs verify.js (or the module of the page) over files from stdin and answers with the verdicts as JSON lines.
// {"module": path, "files": {name: base64}, "cases": [[policy, receipt, record or null, [file, offset, xor] or null]]}
import { pathToFileURL } from "node:url";
import { text } from "node:stream/consumers";

const asked = JSON.parse(await text(process.stdin));
const { verify, selfTest } = await import(pathToFileURL(asked.module).href);
const bytes = (name) => new Uint8Array(Buffer.from(asked.files[name], "base64"));

await selfTest();
for (const [policy, receipt, record, change] of asked.cases) {
  const files = { policy: bytes(policy), receipt: bytes(receipt), record: record === null ? null : bytes(record) };
  if (change) files[change[0]][change[1]] ^= change[2];
  console.log(JSON.stringify(await verify(files.policy, files.receipt, files.record)));
}
