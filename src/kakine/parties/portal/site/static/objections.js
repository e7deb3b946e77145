// The objections room: opens the history, asks the commission about each objection in it, and shows what it and the
// agency answer. What comes from anywhere is written as text. The portal sees ciphertext both ways.

import { momentText } from "./history/dates.js";
import { aimOf, objectionsIn, read, write } from "./history/objections.js";
import { open } from "./history/page.js";
import { Refused } from "./history/verify.js";
import { Names, button, harmless, made } from "./history/view.js";
import { WORDS as HISTORY } from "./history/words.js";
import { WORDS } from "./objection_words.js";

const DAY = 86_400_000;
const MEDIA = "application/octet-stream";
const root = document.getElementById("objections");
const language = root.dataset.language;
const words = WORDS[language];
const moment = (ms) => momentText(ms, language);

async function agenciesFrom(address) {
  const answer = await fetch(address, { credentials: "same-origin", redirect: "error" });
  const raw = (text) => Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
  const found = answer.ok ? await answer.json() : {};
  return Object.fromEntries(Object.entries(found).map(([party, [key, seal]]) => [party, { key: raw(key), seal: raw(seal) }]));
}

async function tell(pair, asked) {
  const { sealed, ...sessions } = await write(pair, asked);
  const answer = await fetch(root.dataset.tell, {
    method: "POST",
    headers: { "Content-Type": MEDIA, "X-Kakine-Token": root.dataset.token },
    body: sealed,
    credentials: "same-origin",
    redirect: "error",
    cache: "no-store",
  });
  if (!answer.ok || answer.headers.get("Content-Type") !== MEDIA) throw new Refused("party-unavailable");
  return read(new Uint8Array(await answer.arrayBuffer()), pair, { ...asked, ...sessions });
}

/** In the place of the history: one section for each objection, filled as the commission answers. */
function show(element, reading, { names, nowMs, again }) {
  const pairs = objectionsIn(reading);
  const named = new Names(names, language);
  const more = again === "" ? [] : [made("p", made("a", HISTORY[language].allKinds, { href: again }))];
  if (pairs.length === 0) {
    element.replaceChildren(made("p", again === "" ? words.none : HISTORY[language].some), ...more);
    return;
  }
  const sections = pairs.map((pair) => made("section", [heading(pair, named), made("p", words.asking, { role: "status" })], { class: "card" }));
  element.replaceChildren(...sections, ...more);
  fill(sections, pairs, { believed: reading.files.believed, named, nowMs });
}

async function fill(sections, pairs, context) {
  const agencies = await agenciesFrom(root.dataset.agencies).catch(() => ({}));
  for (const [at, pair] of pairs.entries()) {
    const to = aimOf(pair, agencies);
    await update(sections[at], pair, { ...context, to }, { aim: to === null ? "check" : "look" });
  }
  root.dataset.done = "yes";
}

async function update(section, pair, context, wanted) {
  let stands;
  try {
    stands = await tell(pair, { believed: context.believed, to: context.to, ...wanted });
  } catch (fault) {
    const code = fault instanceof Refused ? fault.why : "party-unavailable";
    stands = { known: true, answer: null, passed: null, reply: null, failed: words.failed({ code }) };
  }
  const shown = [heading(pair, context.named), table(pair, stands, context)];
  if (!stands.known) shown.push(form(section, pair, context));
  section.replaceChildren(...shown);
}

function heading({ disputed }, named) {
  const { requester, recipient } = disputed.record.common;
  return made("h2", `${named.of("domains", requester)} → ${named.of("domains", recipient)}`);
}

// --- how it stands ------------------------------------------------------------------------------------------------

function table(pair, stands, { nowMs }) {
  const rows = [
    [words.reason, words.reasons[pair.reason]],
    [words.filed, moment(pair.filed)],
    [words.due, moment(pair.due)],
    [words.clock, clock(pair, stands, nowMs)],
    [words.state, state(stands)],
    ...agencyRows(stands),
    ...(stands.answer ? [[words.answer, verdict(stands.answer)]] : []),
    [words.follows, words.next[stands.answer ? stands.answer.finding : "open"] ?? ""],
  ];
  return made("dl", rows.flatMap(([name, value]) => [made("dt", name), made("dd", value)]));
}

function clock({ due }, { answer }, nowMs) {
  if (answer) return words.stopped;
  const days = Math.ceil(Math.abs(due - nowMs) / DAY);
  return nowMs <= due ? words.left({ days }) : words.late({ days });
}

function state({ known, answer, passed, failed }) {
  if (failed) return failed;
  if (!known) return words.unsent;
  if (answer) return moment(answer.time);
  return passed && !passed.replied ? words.waiting({ party: harmless(passed.party) }) : words.working;
}

function verdict({ finding, party, fault }) {
  const who = { party: harmless(party), fault: harmless(fault) };
  if (finding !== "fault") return words[finding === "right" ? "right" : "not-released"];
  if (fault === "no-answer") return words.silent(who);
  return fault === "claim-refused" ? words.refused(who) : words.fault(who);
}

function agencyRows({ passed, reply, doubt }) {
  if (!passed) return [];
  const said = passed.delivered ? words.passed : words.undelivered;
  const told = [made("p", said({ party: harmless(passed.party), when: moment(passed.due) }))];
  if (doubt) told.push(made("p", words.doubt({ code: doubt }), { class: "wrong" }));
  else if (reply) told.push(made("p", made("strong", words.outcomes[reply.outcome] ?? harmless(reply.outcome))), made("p", harmless(reply.words), { class: "reply" }), made("p", words.replied({ when: moment(reply.time) })));
  else if (passed.replied) told.push(made("p", words.away));
  return [[words.agency, told]];
}

// --- sending it to the agency -------------------------------------------------------------------------------------

function form(section, pair, context) {
  const { named, to } = context;
  const id = `note-${pair.objection.index}`;
  const note = made("textarea", [], { id, rows: "4", maxlength: "400", "aria-describedby": `${id}-hint` });
  const { items } = pair.disputed.record.common;
  const boxes = to.aim === "holder" ? items.map((item) => [item, made("input", [], { type: "checkbox", name: "item", checked: "" })]) : [];
  const chosen = () => boxes.filter(([, box]) => box.checked).map(([item]) => item);
  const choices = boxes.map(([item, box]) => made("p", made("label", [box, ` ${named.of("items", item)}`])));
  const send = button(words[to.aim]({ party: harmless(to.party) }), () =>
    update(section, pair, context, { aim: to.aim, items: chosen(), note: note.value }));
  return made("div", [
    ...(choices.length > 0 ? [made("fieldset", [made("legend", words.items), ...choices])] : []),
    made("p", [made("label", words.note, { for: id }), note, made("span", words.noteHint, { id: `${id}-hint`, class: "hint" })]),
    made("p", send),
  ], { class: "claim" });
}

open(root, { render: show });
