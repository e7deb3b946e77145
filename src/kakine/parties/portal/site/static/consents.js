// The room of consents: opens the own history (history/page.js), shows what was allowed to whom, and puts the number of
// the one that is to end into the form. Whatever anybody has written is set as text.

import { consentsOf, linksOf } from "./history/consents.js";
import { momentText } from "./history/dates.js";
import { open } from "./history/page.js";
import { Names, harmless, verdict } from "./history/view.js";
import { WORDS } from "./history/words.js";

const root = document.getElementById("consents");
const section = document.getElementById("withdrawing");
const copyOf = (id) => document.getElementById(id).content.cloneNode(true);
const at = (part, name) => part.querySelector(`[data-at="${name}"]`);
const claims = new Map(Array.from(document.getElementById("claims").content.children, (each) => [each.dataset.claim, each.textContent]));

const stateOf = (consent, nowMs) => (consent.withdrawn ? "withdrawn" : consent.until <= nowMs ? "over" : "stands");

function choose(consent, name) {
  document.getElementById("withdrawing-what").textContent = name;
  document.getElementById("grant").value = consent.grant;
  section.scrollIntoView();
  section.focus();
}

function card(consent, { names, language, nowMs }) {
  const part = copyOf("consent");
  const name = names.of("clients", consent.client);
  const state = stateOf(consent, nowMs);
  const said = {
    client: name,
    items: consent.items.map((item) => claims.get(item) ?? harmless(item)).join(language === "en" ? ", " : "、"),
    purpose: harmless(consent.purpose),
    given: momentText(consent.time, language),
    until: momentText(consent.until, language),
    uses: String(consent.uses.length),
  };
  for (const [where, text] of Object.entries(said)) at(part, where).textContent = text;
  for (const each of part.querySelectorAll("[data-state]")) if (each.dataset.state !== state) each.remove();
  if (state === "stands") at(part, "withdraw").addEventListener("click", () => choose(consent, name));
  else at(part, "withdraw").parentElement.remove();
  return part;
}

/** In place of the list of lines: how sure it is, and what was allowed, the newest first. */
function render(root, reading, { language, names, nowMs, visited, again, act }) {
  const context = { names: new Names(names, language), language, nowMs };
  const part = copyOf("consents-list");
  const consents = consentsOf(reading.lines).reverse();
  const links = linksOf(reading.lines).reverse();
  at(part, "all").append(...consents.map((each) => card(each, context)));
  at(part, "links").append(...links.map((each) => {
    const item = document.createElement("li");
    item.textContent = `${momentText(each.time, language)} ${context.names.of("clients", each.client)}`;
    return item;
  }));
  if (consents.length > 0) at(part, "none").remove();
  at(part, links.length > 0 ? "nolinks" : "links").remove();
  root.replaceChildren(verdict(reading, { words: WORDS[language], language, visited, again, act }), part);
}

await open(root, { render });
