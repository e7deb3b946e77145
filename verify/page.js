// The page around the verifiers: takes files or scanned texts, shows the verdict. Everything is written as text, never as
// HTML.
import { Refused, selfTest, verify } from "./verify.js";
import { readScans, scanText } from "./scanned.js";
import { verifyPage } from "./signed_page.js";

const TEXTS = "TEXTS of kakine/cli/verdict_texts.json stand here";
const PAGE_TEXTS = "TEXTS of kakine/cli/page_texts.json stand here";
const LANGUAGES = ["ja", "en"];
const MARKS = { held: "✓", failed: "✗", absent: "–", open: "·" };
const MOST_BYTES = 1 << 20;
const FILES = ["policy", "receipt", "record", "portal"];
const PAGE_MARK = "kakine-page/v1\n";
const REFUSALS = {
  missing: { ja: "方針と受領証を選んでください。", en: "Choose a policy and a receipt." },
  portal: { ja: "窓口の鍵（portal.txt）を選んでください。", en: "Choose the key of the portal (portal.txt)." },
  large: { ja: "ファイルが大きすぎます。", en: "A file is too large." },
  browser: {
    ja: "ここでは確かめられません。Ed25519 の署名を調べられる新しいブラウザか、コマンド kakine verify を使ってください。",
    en: "Cannot verify here. Use a newer browser, one that can check Ed25519 signatures, or the command kakine verify.",
  },
};

const at = (id) => document.getElementById(id);

/** A refusal of the page itself, before there is a verdict; `texts` is one of REFUSALS. */
class Unready extends Error {
  constructor(texts) {
    super(texts.en);
    this.texts = texts;
  }
}

function line(tag, text, language = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (language) made.lang = language;
  return made;
}

/** One element with the text in each language, so that each is read aloud in its own. */
function both(tag, texts) {
  const made = document.createElement(tag);
  made.append(...LANGUAGES.flatMap((language, i) => [i ? " " : "", line("span", texts[language], language)]));
  return made;
}

/** Line breaks, turned directions and other signs that cannot be seen, as escapes (as Python's `isprintable`). */
function harmless(text) {
  return text.replace(/(?! )[\p{C}\p{Z}]/gu, (sign) => {
    const short = { "\t": "\\t", "\n": "\\n", "\r": "\\r" }[sign];
    const code = sign.codePointAt(0);
    const [letter, digits] = code < 0x100 ? ["x", 2] : code < 0x10000 ? ["u", 4] : ["U", 8];
    return short ?? `\\${letter}${code.toString(16).padStart(digits, "0")}`;
  });
}

async function chosen(id) {
  const file = at(id).files[0];
  if (!file) return null;
  if (file.size > MOST_BYTES) throw new Unready(REFUSALS.large);
  return new Uint8Array(await file.arrayBuffer());
}

function why(step, language, texts) {
  if (!step.why) return "";
  const reason = texts.whys[step.why.split("/")[0]];
  return reason ? ` — ${reason[language]} [${step.why}]` : ` [${step.why}]`;
}

function stepLine(tag, step, texts = TEXTS) {
  const item = line(tag, `${MARKS[step.state]} `);
  item.className = step.state;
  for (const language of LANGUAGES) {
    const between = language === "ja" ? "：" : ": ";
    const state = TEXTS.states[step.state][language] + why(step, language, texts);
    item.append(line("span", texts.steps[step.step][language] + between + state, language));
  }
  return item;
}

function rows(shown) {
  const time = new Date(shown.minutes * 60000).toISOString().slice(0, 16).replace("T", " ");
  const plain = {
    key: shown.key, entry: shown.index, of: shown.size, kind: shown.kind, time, witnessed: shown.witnesses.join(", "),
  };
  const named = Object.entries(plain).filter(([, value]) => value);
  const fields = shown.fields.map(([name, value]) => {
    if (value === null) return [line("dt", name), both("dd", TEXTS.verdict.hidden)];
    return [line("dt", name), line("dd", harmless(Array.isArray(value) ? value.join(", ") : String(value)))];
  });
  return [...named.map(([name, value]) => [both("dt", TEXTS.verdict[name]), line("dd", harmless(value))]), ...fields];
}

/** `good` and `bad` are live regions, polite and at once: what is put there is announced. Only one holds anything. */
function say(outcome, announced, details = []) {
  const other = { good: "bad", bad: "good" };
  at("verdict").className = outcome;
  at(other[outcome]).replaceChildren();
  at("details").replaceChildren(...details);
  at(outcome).replaceChildren(...announced);
}

/** No verdict stands beside files that it is not of. */
function clear() {
  at("verdict").className = "";
  for (const id of ["good", "bad", "details"]) at(id).replaceChildren();
}

export function show(verdict) {
  const outcome = verdict.good ? "good" : "bad";
  const steps = document.createElement("ol");
  steps.append(...verdict.steps.map((step) => stepLine("li", step)));
  const table = document.createElement("dl");
  if (verdict.shown) table.append(...rows(verdict.shown).flat());
  const failed = verdict.steps.filter((step) => step.state === "failed").map((step) => stepLine("p", step));
  const witnessed = verdict.steps.find((step) => step.step === "witnesses").state === "held";
  const seen = verdict.good ? [both("p", TEXTS.verdict[witnessed ? "public" : "private"])] : [];
  const limits = LANGUAGES.map((language) => line("p", TEXTS.verdict.limits[language], language));
  say(outcome, [both("h2", TEXTS.verdict[outcome]), ...seen, ...failed], [steps, table, ...limits]);
}

const PAGE_TAGS = { h1: "h3", h2: "h4", h3: "h5", p: "p", li: "p" };

/** A signed page: the facts, and its text line by line. */
export function showPage(verdict) {
  const outcome = verdict.good ? "good" : "bad";
  const words = PAGE_TEXTS.verdict;
  const steps = document.createElement("ol");
  steps.append(...verdict.steps.map((step) => stepLine("li", step, PAGE_TEXTS)));
  const table = document.createElement("dl");
  const text = document.createElement("section");
  if (verdict.shown) {
    for (const name of ["key", "by", "at", "page", "language", "gazette"]) {
      table.append(both("dt", words[name]), line("dd", harmless(String(verdict.shown[name]))));
    }
    text.lang = verdict.shown.language === "en" ? "en" : "ja";
    text.append(...verdict.shown.lines.map(([tag, said]) => line(PAGE_TAGS[tag], (tag === "li" ? "・ " : "") + harmless(said))));
    text.className = "page";
  }
  const failed = verdict.steps.filter((step) => step.state === "failed").map((step) => stepLine("p", step, PAGE_TEXTS));
  const limits = LANGUAGES.map((language) => line("p", words.limits[language], language));
  say(outcome, [both("h2", words[outcome]), ...failed], [steps, table, ...limits, text]);
}

/** What is to be verified: {policy, receipt, record} or {portal, page}; of files, of files of scanned texts, or typed. */
async function given() {
  const [policy, receipt, record, portal] = await Promise.all(FILES.map(chosen));
  const typed = at("scans").value.trim();
  if (typed.length > MOST_BYTES) throw new Unready(REFUSALS.large);
  const texts = [typed, ...[receipt, record].map((file) => (file === null ? "" : scanText(file)))].filter((each) => each !== "");
  const scans = texts.length > 0 ? await readScans(texts.join("\n")) : { receipt: null, record: null, page: null };
  const plain = (file) => (file !== null && scanText(file) === "" ? file : null);
  const page = scans.page ?? (receipt !== null && isPage(receipt) ? receipt : null);
  if (page !== null) return { portal, page };
  const mixed = (scans.receipt && plain(receipt)) || (scans.record && plain(record));
  if (mixed) throw new Refused("scan-unreadable", "mixed");
  return { policy, receipt: scans.receipt ?? plain(receipt), record: scans.record ?? plain(record) };
}

const isPage = (file) => new TextDecoder().decode(file.subarray(0, PAGE_MARK.length)) === PAGE_MARK;

/** Shows the verdict when it is called. */
async function judged({ policy, receipt, record, portal, page }) {
  if (page) {
    if (portal === null) throw new Unready(REFUSALS.portal);
    await selfTest();
    const verdict = await verifyPage(portal, page);
    return () => showPage(verdict);
  }
  if (policy === null || receipt === null) throw new Unready(REFUSALS.missing);
  await selfTest();
  const verdict = await verify(policy, receipt, record);
  return () => show(verdict);
}

let latest = 0;

export async function check() {
  const mine = (latest += 1);
  clear();
  let after;
  try {
    after = await judged(await given());
  } catch (fault) {
    const scanned = fault instanceof Refused ? PAGE_TEXTS.scans[fault.why.split("/")[0]] : null;
    const texts = fault instanceof Unready ? fault.texts : scanned ?? REFUSALS.browser;
    const told = fault instanceof Unready ? [] : [line("p", String(fault.message))];
    after = () => say("bad", [both("h2", texts)], told);
  }
  // Other files may have been chosen meanwhile.
  if (mine === latest) after();
}

function changed() {
  latest += 1;
  clear();
}

if (typeof document !== "undefined") {
  at("check").addEventListener("click", check);
  for (const id of FILES) at(id).addEventListener("change", changed);
  at("scans").addEventListener("input", changed);
}
