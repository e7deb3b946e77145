// The verdict on a signed page of the portal (spec/verify.md section 7), step for step and reason for reason that of
// kakine/protocols/signed_pages.py.

import { Refused, readKey, readNote, readSignature, same, signed, utf8 } from "./verify.js";

export const PAGE_STEPS = ["keys", "page", "signer", "signature"];

const TAGS = ["h1", "h2", "h3", "p", "li"];
const NAME = /^[a-z0-9][a-z0-9./-]{0,79}$/;
const FORMS = {
  by: NAME, at: /^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}\+09:00$/, page: NAME, language: /^(?:ja|easy|en)$/,
  gazette: /^(?:0|[1-9][0-9]{0,8})$/,
};
const JAPAN = 9 * 3_600_000;
const malformed = (part) => new Refused("page-malformed", part);

const PAGE_CHECKS = {
  async keys(shown, { keys }) {
    shown.keys = await readKeys(keys);
  },
  page(shown, { note }) {
    shown.note = openNote(note);
    shown.page = readPage(shown.note.text);
    if (shown.page.by !== shown.note.signature.name) throw malformed("by");
  },
  signer(shown) {
    const { name, blob } = shown.note.signature;
    shown.key = shown.keys.find((key) => key.name === name && same(key.id, blob.subarray(0, 4)));
    if (!shown.key) throw new Refused("page-signer-unknown");
  },
  async signature(shown) {
    const { text, signature } = shown.note;
    if (!(await signed(shown.key.key, signature.blob.subarray(4), utf8(text)))) throw new Refused("signature-invalid");
  },
};

/** The verdict on bytes: `keys` has a C2SP vkey a line, `note` is the signed page. */
export async function verifyPage(keys, note) {
  const shown = {};
  const steps = [];
  for (const step of PAGE_STEPS) {
    if (steps.some((each) => each.state === "failed")) {
      steps.push({ step, state: "open", why: "" });
      continue;
    }
    try {
      await PAGE_CHECKS[step](shown, { keys, note });
      steps.push({ step, state: "held", why: "" });
    } catch (refusal) {
      if (!(refusal instanceof Refused)) throw refusal;
      steps.push({ step, state: "failed", why: refusal.why });
    }
  }
  const good = steps.every((each) => each.state === "held");
  return { good, steps, shown: good ? { key: shown.key.vkey, ...shown.page } : null };
}

async function readKeys(data) {
  const wrong = (part) => new Refused("policy-malformed", part);
  if (data.some((byte) => byte > 0x7f)) throw wrong("encoding");
  const text = new TextDecoder().decode(data);
  if (data.length > 1 << 16 || !text.endsWith("\n")) throw wrong("form");
  const keys = [];
  for (const line of text.slice(0, -1).split("\n")) keys.push(await readKey(line, 1, [], wrong));
  return keys;
}

/** A note with one signature line: every byte of it counts. */
function openNote(data) {
  try {
    const { text, lines } = readNote(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data));
    const signatures = lines.map(readSignature);
    if (signatures.length === 1) return { text, signature: signatures[0] };
  } catch {
    throw malformed("note");
  }
  throw malformed("note");
}

function readPage(text) {
  if (utf8(text).length > 1 << 16) throw malformed("length");
  const lines = text.split("\n");
  const framed = lines.length >= 9 && lines.length <= 2000 && lines[0] === "kakine-page/v1" && lines[6] === "" && lines.at(-1) === "";
  if (!framed) throw malformed("form");
  const head = Object.entries(FORMS).map(([label, form], at) => [label, labelled(lines[at + 1], label, form)]);
  const page = Object.fromEntries(head);
  checkMoment(page.at);
  return { ...page, gazette: Number(page.gazette), lines: lines.slice(7, -1).map(readLine) };
}

function labelled(line, label, form) {
  const value = line.slice(label.length + 1);
  if (!line.startsWith(`${label} `) || !form.test(value)) throw malformed(label);
  return value;
}

/** A day and an hour that there are: what is written again must be the same. */
function checkMoment(text) {
  const ms = Date.parse(text);
  if (Number.isNaN(ms) || `${new Date(ms + JAPAN).toISOString().slice(0, 16)}+09:00` !== text) throw malformed("at");
}

function readLine(line) {
  const at = line.indexOf(" ");
  const [tag, text] = [line.slice(0, at), line.slice(at + 1)];
  if (at < 0 || !TAGS.includes(tag) || text === "" || /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(text)) throw malformed("line");
  return [tag, text];
}
