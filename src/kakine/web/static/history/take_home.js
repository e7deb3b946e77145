// Below a history that has verified: files of it, and prints of it. mount(root, shown) with what the event
// "history-shown" has: reading, names, language, nowMs, and save(name, data, type).

import { asCsv, asJson } from "./copies.js";
import { dateText } from "./dates.js";
import { filesOf, zip } from "./elsewhere.js";
import { PAPER } from "./paper_words.js";
import { historySheet, yearSheet } from "./sheet.js";
import { button, expiryDay, made } from "./view.js";
import { yearsOf } from "./year.js";

const DAY = 86_400_000;
const WARNED_DAYS = 60;

/** Lines whose records will be erased within so many days: {count, day (since 1970) of the first}, or null. */
export function expiring(reading, nowMs, days = WARNED_DAYS) {
  const ends = reading.lines.filter((line) => line.held.length === 0).map(expiryDay).filter((day) => day * DAY - nowMs < days * DAY);
  return ends.length === 0 ? null : { count: ends.length, day: Math.min(...ends) };
}

export function mount(root, shown) {
  const { reading, names, language, nowMs, save } = shown;
  const words = PAPER[language];
  const name = reading.complete ? "kakine-history" : "kakine-history-incomplete";
  const codes = check("take-codes", words.codes, true);
  const large = check("take-large", words.large, false);
  const years = made("select", yearsOf(reading).map((year) => made("option", String(year), { value: String(year) })), { id: "take-year" });
  const progress = made("p", [], { role: "status" });
  const section = made("section", [
    made("h2", words.head, { id: "take-home" }),
    made("p", words.intro, { class: "note" }),
    button(words.json, () => save(`${name}.json`, asJson(reading, nowMs), "application/json")),
    button(words.csv, () => save(`${name}.csv`, asCsv(reading, names, { english: language === "en" }), "text/csv")),
    made("div", [codes.label, large.label]),
    button(words.print, async () => {
      const told = (done) => { progress.textContent = words.making({ done, all: reading.lines.length }); };
      const sheet = await historySheet(reading, { language, names, nowMs, codes: codes.box.checked, progress: told });
      progress.textContent = "";
      preview(section, sheet, words, large.box.checked);
    }),
    progress,
    ...(years.children.length > 0 ? [
      made("p", [made("label", words.yearOf, { for: "take-year" }), " ", years]),
      button(words.year, () => preview(section, yearSheet(reading, { language, names, nowMs, year: Number(years.value) }), words, large.box.checked)),
    ] : []),
  ], { class: "take-home", "aria-labelledby": "take-home" });
  root.append(section);
  const soon = expiring(reading, nowMs);
  if (soon) root.prepend(warning(soon, shown, words));
}

function warning(soon, { reading, language, save }, words) {
  const said = words.expiring({ count: soon.count, day: dateText(soon.day, language) });
  const keep = button(words.keep, async () => save("kakine-history.zip", zip(await filesOf(reading)), "application/zip"));
  return made("section", [made("p", made("strong", words.expiringHead)), made("p", said), keep], { class: "notice warn expiring" });
}

function check(id, words, checked) {
  const box = made("input", [], { type: "checkbox", id });
  box.checked = checked;
  return { box, label: made("label", [box, " ", words], { for: id, class: "choice" }) };
}

/** The sheet below, as it will be on paper; only it is printed (print.css). One at a time. */
function preview(section, sheet, words, large) {
  document.getElementById("sheet")?.remove();
  const close = () => {
    box.remove();
    document.body.classList.remove("sheet-open");
  };
  const box = made("section", [
    made("p", [made("strong", words.preview), " ", button(words.now, () => window.print()), button(words.close, close)], { class: "unprinted" }),
    sheet,
  ], { id: "sheet", class: large ? "sheet large" : "sheet", "aria-labelledby": "sheet-title", tabindex: "-1" });
  document.getElementById("main").append(box);
  document.body.classList.add("sheet-open");
  box.focus();
}
