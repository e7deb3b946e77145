// What scanned.js and signed_page.js say of {"module": folder, "cases": [{"text", "keys"}]}, a JSON line each.
import { createHash } from "node:crypto";
import { text } from "node:stream/consumers";

const asked = JSON.parse(await text(process.stdin));
const [{ readScans }, { verifyPage }] = await Promise.all(["scanned.js", "signed_page.js"].map((name) => import(`${asked.module}/${name}`)));
const digest = (data) => (data === null ? null : createHash("sha256").update(data).digest("hex"));

async function told(each) {
  try {
    const { receipt, record, page } = await readScans(each.text);
    const verdict = page === null ? null : await verifyPage(new TextEncoder().encode(each.keys), page);
    if (verdict) verdict.steps = verdict.steps.map(({ step, state, why }) => [step, state, why]);
    return { receipt: digest(receipt), record: digest(record), page: verdict };
  } catch (refused) {
    if (!refused.why) throw refused;
    return { refused: refused.why };
  }
}

for (const each of asked.cases) console.log(JSON.stringify(await told(each)));
