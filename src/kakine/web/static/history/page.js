// The page of the own history: asks the portal once, opens and verifies here, shows, and keeps the heads for the next
// visit. Where to ask, and in which language, stands on the element; no address comes from anywhere else.
//
//   <div id="history" data-ask="/history/read" data-names="/history/names" data-token="…" data-language="ja|easy|en">
//
// With data-again, where a second way in is shown, some kinds of records are left out (quiet.js); data-versions has number
// and beginning of each gazette, data-usual where the file of what is usual is.

import { Unreachable, asked, namesFrom } from "./asking.js";
import { checkFiles, evidenceOf, filesOf, zip } from "./elsewhere.js";
import { digest } from "./hashing.js";
import { FRESH_MS, codeOf, fingerprintOf, newSession, readHistory, writeAsked } from "./history.js";
import { forget, includes, keep, kept, sizesOf } from "./memory.js";
import { withoutQuiet } from "./quiet.js";
import { usualFrom, usualOf } from "./usual.js";
import { Refused, selfTest, signed } from "./verify.js";
import { button, fingerprints, show, showProgress, showRefusal } from "./view.js";
import { WORDS } from "./words.js";

const MEDIA = "application/vnd.kakine.history+msgpack";

const ask = (set, session, since) => asked(set.ask, set.token, MEDIA, writeAsked(session.public, since));

/** "0:1700000000000 1:…" as pairs of numbers. */
const versionsOf = ({ versions = "" }) =>
  versions.split(" ").filter((each) => each !== "").map((each) => each.split(":").map(Number));

function saved(name, data, type = "application/octet-stream") {
  const address = URL.createObjectURL(new Blob([data], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** The rows behind a line: its request and the outcome of it. */
const behind = (line) => (row) =>
  row.origin === line.origin && row.index === line.index ? true
    : row.record.tag === 2 && String(row.record.personal.index) === String(line.index) && sameXid(row, line);

const sameXid = (row, line) => Array.from(row.record.personal.xid, (byte) => byte.toString(16).padStart(2, "0")).join("") === line.xid;

/**
 * Send what the log itself has signed to the commission, through the portal; whether the commission has signed that it
 * has these very bytes. Nothing else that anybody answers counts as sent.
 */
async function sendEvidence({ evidence, token }, reading, before) {
  const data = evidenceOf(reading, before);
  try {
    const answer = await fetch(evidence, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Kakine-Token": token },
      body: data,
      credentials: "same-origin",
      redirect: "error",
      cache: "no-store",
    });
    const signature = new Uint8Array(await answer.arrayBuffer());
    const { key } = reading.files.believed.said.commission;
    return answer.ok && signature.length === 64 && (await signed(key, signature, digest("evidence-received", data)));
  } catch {
    return false;
  }
}

function actsOf(root, reading, before, language) {
  const words = WORDS[language];
  return {
    async check(line) {
      const verdicts = await checkFiles(await filesOf(reading, behind(line)));
      return verdicts.every((each) => each.good) ? `✓ ${words.verified}` : `✗ ${words.unverified}`;
    },
    async save(line) {
      saved(`kakine-${line.index}.zip`, zip(await filesOf(reading, behind(line))), "application/zip");
    },
    async saveAll() {
      saved("kakine-history.zip", zip(await filesOf(reading)), "application/zip");
    },
    async saveEvidence() {
      saved("kakine-evidence.json", evidenceOf(reading, before), "application/json");
    },
    sendEvidence: root.dataset.evidence === undefined ? null : async () =>
      (await sendEvidence(root.dataset, reading, before)) ? words.evidenceSent : words.evidenceUnsent,
    async forget() {
      forget();
      return words.forgotten;
    },
  };
}

/** Read, verify and show; leaves in the browser's own time line how long that took. `accept` is the fingerprint of other keys than before, which the reader has compared; `render` shows a reading as `show` does. */
export async function open(root, { nowMs = Date.now(), accept = "", render = show } = {}) {
  const { language } = root.dataset;
  showProgress(root, language);
  const memory = kept();
  try {
    await selfTest();
    const session = await newSession();
    const [given, names, figures] = await Promise.all([
      ask(root.dataset, session, sizesOf(memory.before)), namesFrom(root.dataset.names), usualFrom(root.dataset.usual),
    ]);
    performance.mark("history-given");
    const trusted = accept === "" ? memory.trusted : null;
    const reading = await readHistory(given, session, { nowMs, trusted, before: memory.before, freshMs: FRESH_MS });
    const { fingerprint } = reading;
    if (accept !== "" && fingerprint !== accept) throw Object.assign(new Refused("trust-changed"), { fingerprint });
    const other = !includes(reading, memory.view);
    keep(reading, memory.before, nowMs);
    performance.measure("history-verified", "history-given");
    const { again = "" } = root.dataset;
    const shown = again === "" ? reading : withoutQuiet(reading, names);
    // What a task usually asks would tell what one way in leaves out, so it is said beside whole lists alone.
    const usual = again === "" ? await usualOf(figures, reading.files.believed.said.commission.key, nowMs) : null;
    render(root, shown, {
      language, names, nowMs, visited: memory.visited, other, again, usual, versions: versionsOf(root.dataset),
      act: actsOf(root, shown, memory.before, language),
    });
    performance.measure("history-shown", "history-given");
    // What is taken home of it claims no more than what is shown.
    const taken = again === "" ? shown : { ...shown, complete: false, some: true };
    root.dispatchEvent(new CustomEvent("history-shown", { detail: { reading: taken, names, language, nowMs, save: saved } }));
    return shown;
  } catch (fault) {
    refuse(root, language, fault, memory, render);
    return null;
  }
}

function refuse(root, language, fault, { trusted }, render) {
  const words = WORDS[language];
  if (fault instanceof Unreachable) {
    showRefusal(root, { language, text: "unreachable", code: fault.code, more: [button(words.again, () => open(root, { render }))] });
  } else if (!(fault instanceof Refused)) {
    showRefusal(root, { language, text: "unable" });
  } else if (codeOf(fault) !== "trust-changed") {
    showRefusal(root, { language, text: "failed", code: codeOf(fault) });
  } else {
    const accept = button(words.accept, () => open(root, { accept: fault.fingerprint, render }));
    const shown = [trusted === null ? "" : fingerprintOf(trusted), fault.fingerprint];
    showRefusal(root, { language, text: "changed", code: "trust-changed", more: [...fingerprints(shown, words), accept] });
  }
}

const root = document.getElementById("history");
if (root) open(root);
