// "Check it elsewhere": the files that `kakine verify` and verify/index.html take, of what was verified here.

import { auditPath } from "./tree.js";
import { base64, cosigners, joined, meets, readNote, readPolicy, utf8, verify } from "./verify.js";

const HEADER = "c2sp.org/tlog-proof@v1";

/** Where the files of a row are named after: the year and instance of its log, and its number there. */
export const nameOf = ({ origin, index }) => `${origin.split("/").slice(1).join("-")}-${index}`;

/**
 * By name the bytes of policy, receipts and records of the opened rows that `wanted` takes; all without it. If witnesses
 * have signed for every row the policy asks for them, else for the logs' keys alone.
 */
export async function filesOf(reading, wanted = () => true) {
  const { rows, proved, believed } = reading.files;
  const chosen = rows.filter(wanted);
  const proofOf = (row) => proved.get(`${row.origin}\n${row.index}`);
  const policy = chosen.every((row) => proofOf(row).witnessed) ? believed.said.policy : ofLogs(believed);
  const files = new Map([["policy.txt", policy]]);
  const leaner = lean(await readPolicy(policy));
  for (const row of chosen) {
    files.set(`${nameOf(row)}.tlog-proof`, await receiptOf(proofOf(row), leaner));
    files.set(`${nameOf(row)}.record.json`, recordOf(row));
  }
  return files;
}

/** The verdict of verify.js on the files of one line's rows: what the offline page would say. */
export async function checkFiles(files) {
  const names = [...files.keys()].filter((name) => name.endsWith(".tlog-proof"));
  const verdicts = [];
  for (const name of names) {
    verdicts.push(await verify(files.get("policy.txt"), files.get(name), files.get(name.replace(".tlog-proof", ".record.json"))));
  }
  return verdicts;
}

/** A policy that believes each log and asks for no witness. */
function ofLogs({ logs }) {
  const lines = [...logs.values()].map((log) => `log ${vkey(log)}\n`);
  return utf8(`${lines.join("")}quorum none\n`);
}

const vkey = ({ name, id, key }) =>
  `${name}+${Array.from(id, (byte) => byte.toString(16).padStart(2, "0")).join("")}+${base64(joined([Uint8Array.of(1), key]))}`;

async function receiptOf({ data, index, proof, note, head }, leaner) {
  const path = auditPath(BigInt(index), head.size, proof);
  const lines = [HEADER, `extra ${base64(data)}`, `index ${index}`, ...path.map(base64)];
  return joined([utf8(`${lines.join("\n")}\n\n`), utf8(await leaner(note))]);
}

/** A note without lines that its policy can do without: a line that could be missing could be changed unseen. */
function lean(policy) {
  const known = new Map();
  const leaner = async (text) => {
    const cut = text.lastIndexOf("\n\n") + 2;
    const origin = text.split("\n", 1)[0];
    let lines = text.slice(cut).split(/(?<=\n)/);
    for (const line of lines.filter((each) => !each.includes(` ${origin} `)).reverse()) {
      const fewer = lines.filter((each) => each !== line);
      const signers = await cosigners(readNote(text.slice(0, cut) + fewer.join("")), policy);
      if (meets(policy, [...signers.keys()])) lines = fewer;
    }
    return text.slice(0, cut) + lines.join("");
  };
  return (note) => {
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(note);
    if (!known.has(text)) known.set(text, leaner(text));
    return known.get(text);
  };
}

function recordOf({ record, envelope }) {
  const fields = record.opened.map(({ salt, value }) => ({ salt: base64(salt), value: base64(value) }));
  const kind = record.tag === 1 ? "request" : "outcome";
  return utf8(`${JSON.stringify({ format: "kakine-record/v1", kind, fields, envelope: base64(envelope) }, null, 2)}\n`);
}

/** What proves to anybody that a log has shown two histories: its own signed notes. Nothing in it is about the reader. */
export function evidenceOf(reading, before) {
  const text = (data) => new TextDecoder().decode(data);
  const logs = Object.entries(reading.accused).map(([origin, code]) => {
    const now = reading.shown.get(origin);
    return {
      log: origin,
      problem: code,
      key: vkey(reading.files.believed.logs.get(origin)),
      before: before[origin] ? text(before[origin]) : null,
      served: now ? text(now.served) : null,
      seen: now ? now.seen.map(text) : [],
      consistency: now ? now.since.map(base64) : [],
    };
  });
  return utf8(`${JSON.stringify({ format: "kakine-evidence/v1", logs }, null, 2)}\n`);
}

// --- one file of many ---------------------------------------------------------------------------------------------

const TABLE = Uint32Array.from({ length: 256 }, (_, each) => {
  let value = each;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crc32(data) {
  let value = 0xffffffff;
  for (const byte of data) value = (value >>> 8) ^ TABLE[(value ^ byte) & 0xff];
  return ~value >>> 0;
}

/** Little-endian numbers of these widths (2 or 4 bytes). */
function packed(pairs) {
  const out = new DataView(new ArrayBuffer(pairs.reduce((length, [width]) => length + width, 0)));
  let at = 0;
  for (const [width, value] of pairs) {
    if (width === 2) out.setUint16(at, value, true);
    else out.setUint32(at, value, true);
    at += width;
  }
  return new Uint8Array(out.buffer);
}

/** A ZIP file (APPNOTE 4.3, stored, no time of its own) of files by name. */
export function zip(files) {
  const [parts, entries] = [[], []];
  let at = 0;
  for (const [name, data] of files) {
    const own = [[2, 20], [2, 0x800], [2, 0], [2, 0], [2, 0x21], [4, crc32(data)], [4, data.length], [4, data.length]];
    const label = utf8(name);
    const head = packed([[4, 0x04034b50], ...own, [2, label.length], [2, 0]]);
    entries.push(packed([[4, 0x02014b50], [2, 20], ...own, [2, label.length], [2, 0], [2, 0], [2, 0], [2, 0], [4, 0], [4, at]]), label);
    parts.push(head, label, data);
    at += head.length + label.length + data.length;
  }
  const directory = joined(entries);
  const count = files.size;
  const end = packed([[4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, directory.length], [4, at], [2, 0]]);
  return joined([...parts, directory, end]);
}
