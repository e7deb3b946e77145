// Own data as a page. What an agency writes stays text: no value becomes an element, an attribute or an address.

import { momentText } from "./dates.js";
import { WORDS } from "./own_words.js";
import { Names, harmless, made } from "./view.js";

/** Show in an element what holders have; `told` is of `readOwnData`. */
export function showOwnData(root, told, { language, names, nowMs }) {
  const context = { words: WORDS[language], language, named: new Names(names, language), names, at: language === "en" ? 1 : 0 };
  root.replaceChildren(
    made("p", context.words.shown({ when: momentText(nowMs, language) }), { role: "status" }),
    ...told.map((each) => holder(each, context)),
    made("p", context.words.trace),
  );
}

export function showState(root, language, text, code = "", more = []) {
  const words = WORDS[language];
  const said = [made("p", words[text]), ...(code ? [made("p", words.code({ code }))] : []), ...more];
  root.replaceChildren(made("div", said, text === "pulling" ? { role: "status" } : { role: "alert" }));
}

function holder({ domain, items }, context) {
  const { words, named } = context;
  const content = items.length === 0 ? [made("p", words.none)] : items.map((each) => item(each, context));
  return made("section", [made("h2", named.of("domains", domain)), ...content], { class: "own-holder" });
}

function item(each, context) {
  const { words, language, named } = context;
  const told = [
    words.asOf({ when: momentText(Number(each.asOf), language) }),
    words.until({ when: momentText(Number(each.expires), language) }),
    words.layout({ layout: each.layout, version: each.version }),
  ];
  return made("div", [
    made("h3", named.of("items", each.item)),
    made("p", told.join(" · "), { class: "note" }),
    made("dl", fields(each, context).map(([name, value]) => made("div", [made("dt", name), made("dd", value)])), { class: "list" }),
  ]);
}

/** Pairs of name and value; the letters of the whole, where they are no object or hold a number that JavaScript cannot. */
function fields(each, { words, names, at }) {
  const letters = new TextDecoder().decode(each.data);
  const values = parsed(letters);
  if (values === null) return [[words.raw, harmless(letters)]];
  const key = `${each.item}/${each.layout}`;
  const layout = Object.hasOwn(names.layouts ?? {}, key) ? names.layouts[key] : {};
  return Object.entries(values).map(([name, value]) => {
    const known = Object.hasOwn(layout, name) ? layout[name] : null;
    const labels = known?.[2] ?? {};
    const label = typeof value === "string" && Object.hasOwn(labels, value) ? labels[value] : plain(value, words);
    return [harmless(known ? known[at] : name), harmless(label)];
  });
}

function plain(value, words) {
  if (typeof value === "boolean") return value ? words.yes : words.no;
  return typeof value === "string" ? value : JSON.stringify(value);
}

function parsed(letters) {
  let exact = true;
  try {
    const values = JSON.parse(letters, (_, value) => {
      if (typeof value === "number" && !Number.isSafeInteger(value)) exact = false;
      return value;
    });
    return exact && typeof values === "object" && values !== null && !Array.isArray(values) ? values : null;
  } catch {
    return null;
  }
}
