// The page around verify.js: takes the files, shows the verdict. Everything is written as text, never as HTML.
import { selfTest, verify } from "./verify.js";

const TEXTS = "TEXTS of kakine/cli/verdict_texts.json stand here";
const LANGUAGES = ["ja", "en"];
const MARKS = { held: "✓", failed: "✗", absent: "–", open: "·" };
const MOST_BYTES = 1 << 20;

const at = (id) => document.getElementById(id);

function line(tag, text, language = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (language) made.lang = language;
  return made;
}

async function chosen(id) {
  const file = at(id).files[0];
  if (!file) return null;
  if (file.size > MOST_BYTES) throw new Error("a file is too large");
  return new Uint8Array(await file.arrayBuffer());
}

function why(step, language) {
  if (!step.why) return "";
  const reason = TEXTS.whys[step.why.split("/")[0]];
  return reason ? ` — ${reason[language]} [${step.why}]` : ` [${step.why}]`;
}

function stepLine(step) {
  const item = line("li", `${MARKS[step.state]} `);
  item.className = step.state;
  for (const language of LANGUAGES) {
    const between = language === "ja" ? "：" : ": ";
    const state = TEXTS.states[step.state][language] + why(step, language);
    item.append(line("span", TEXTS.steps[step.step][language] + between + state, language));
  }
  return item;
}

function rows(shown) {
  const time = new Date(shown.minutes * 60000).toISOString().slice(0, 16).replace("T", " ");
  const plain = {
    key: shown.key, entry: shown.index, of: shown.size, kind: shown.kind, time, witnessed: shown.witnesses.join(", "),
  };
  const named = Object.entries(plain).filter(([, value]) => value);
  const hidden = TEXTS.verdict.hidden;
  const fields = shown.fields.map(([name, value]) => {
    if (value === null) return [name, `${hidden.ja} ${hidden.en}`];
    return [name, Array.isArray(value) ? value.join(", ") : String(value)];
  });
  return [...named.map(([name, value]) => [`${TEXTS.verdict[name].ja} ${TEXTS.verdict[name].en}`, value]), ...fields];
}

export function show(verdict) {
  const out = at("verdict");
  const said = (name) => LANGUAGES.map((language) => line("p", TEXTS.verdict[name][language], language));
  const steps = document.createElement("ol");
  steps.append(...verdict.steps.map(stepLine));
  const table = document.createElement("dl");
  for (const [name, value] of verdict.shown ? rows(verdict.shown) : []) table.append(line("dt", name), line("dd", value));
  const heading = line("h2", LANGUAGES.map((each) => TEXTS.verdict[verdict.good ? "good" : "bad"][each]).join(" "));
  out.className = verdict.good ? "good" : "bad";
  const witnessed = verdict.steps.find((step) => step.step === "witnesses").state === "held";
  const seen = verdict.good ? said(witnessed ? "public" : "private") : [];
  out.replaceChildren(heading, ...seen, steps, table, ...said("limits"));
}

function refuse(fault) {
  const out = at("verdict");
  out.className = "bad";
  out.replaceChildren(line("h2", "ここでは確かめられません。 Cannot verify here."), line("p", String(fault.message)));
}

export async function check() {
  at("verdict").replaceChildren();
  try {
    const [policy, receipt, record] = await Promise.all(["policy", "receipt", "record"].map(chosen));
    if (policy === null || receipt === null) throw new Error("方針と受領証を選んでください。 Choose a policy and a receipt.");
    await selfTest();
    show(await verify(policy, receipt, record));
  } catch (fault) {
    refuse(fault);
  }
}

if (typeof document !== "undefined") at("check").addEventListener("click", check);
