// Runs own_data.js over messages from stdin and answers with JSON lines: a refusal's code, or what it opens.
// {"module": path, "session": [private (PKCS8), public] base64, "cases": [{"message": base64, "holders": [[domain, [item]]]}]}
import { pathToFileURL } from "node:url";
import { text } from "node:stream/consumers";

const asked = JSON.parse(await text(process.stdin));
const { readOwnData } = await import(pathToFileURL(asked.module).href);
const bytes = (given) => new Uint8Array(Buffer.from(given, "base64"));
const [secret, open] = asked.session;
const session = {
  private: await globalThis.crypto.subtle.importKey("pkcs8", bytes(secret), { name: "X25519" }, false, ["deriveBits"]),
  public: bytes(open),
};

for (const { message, holders } of asked.cases) {
  try {
    const told = await readOwnData(bytes(message), session, holders);
    const shown = (each) => [each.item, each.layout, String(each.version), each.asOf, each.expires, Buffer.from(each.data).toString("hex")];
    console.log(JSON.stringify(told.map(({ domain, items }) => [domain, items.map(shown)])));
  } catch (refused) {
    if (!refused.why) throw refused;
    console.log(JSON.stringify(refused.why));
  }
}
