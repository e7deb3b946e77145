// Runs history.js over messages from stdin and answers with JSON lines: a refusal's code, or what it shows.
// {"module": path, "messages": [base64], "sessions": [[private (PKCS8), public] base64],
//  "cases": [{"message", "session", "now", "trusted"?, "before"?, "fresh"?, "flips"?: [[offset, xor]]}]}
import { pathToFileURL } from "node:url";
import { text } from "node:stream/consumers";

const asked = JSON.parse(await text(process.stdin));
const { readHistory, codeOf } = await import(pathToFileURL(asked.module).href);
const bytes = (given) => new Uint8Array(Buffer.from(given, "base64"));
const { subtle } = globalThis.crypto;

const sessions = await Promise.all(asked.sessions.map(async ([secret, open]) => ({
  private: await subtle.importKey("pkcs8", bytes(secret), { name: "X25519" }, false, ["deriveBits"]),
  public: bytes(open),
})));

async function told(each) {
  const message = bytes(asked.messages[each.message]);
  for (const [at, bits] of each.flips ?? []) message[at] ^= bits;
  const options = { nowMs: each.now, freshMs: each.fresh ?? 300_000, trusted: each.trusted ? bytes(each.trusted) : null };
  options.before = Object.fromEntries(Object.entries(each.before ?? {}).map(([log, note]) => [log, bytes(note)]));
  try {
    const read = await readHistory(message, sessions[each.session], options);
    const { files, trust, policy, heads, logs, ...plain } = read;
    return plain;
  } catch (refused) {
    if (!refused.why) throw refused;
    return { refused: codeOf(refused) };
  }
}

for (const each of asked.cases) console.log(JSON.stringify(await told(each)));
