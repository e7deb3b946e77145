// The history room: opens the history (history/page.js), lets its reader object to a line, and leads from it to the page
// of the same data. The links stand in the page: no address is made from a value.

import { open } from "./history/page.js";
import { mount } from "./history/take_home.js";

const root = document.getElementById("record");
const section = document.getElementById("objecting");
const UNKEPT = ["LOGIN", "LOGIN-ATTRIBUTES", "OWN-DATA"];

function choose(line, item) {
  document.getElementById("objecting-line").textContent = item.querySelector("h3").textContent;
  document.getElementById("objecting-log").value = line.origin;
  document.getElementById("objecting-index").value = line.index;
  document.getElementById("objecting-xid").value = line.xid;
  section.hidden = false;
  section.focus();
}

function offer(line, at) {
  const item = document.getElementById(`line-${at}`);
  if (!item) return;
  if (line.disputed) {
    const link = document.createElement("a");
    link.href = root.dataset.objections;
    link.textContent = root.dataset.answers;
    item.append(link);
    return;
  }
  // A record keeper refuses what went to nobody (a look, a decision), logins and
  // looks at own data (spec/objections.md OBJ-1.2).
  if (line.kind !== "request" || line.result === "recorded" || UNKEPT.includes(line.ground)) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button second";
  button.textContent = root.dataset.object;
  button.addEventListener("click", () => choose(line, item));
  const place = document.createElement("p");
  place.append(button);
  item.append(place);
}

const areaOf = JSON.parse(root.dataset.areas);

function lead(line, at) {
  const named = line.items.map((item) => (Object.hasOwn(areaOf, item) ? areaOf[item] : ""));
  const links = [...document.querySelectorAll("#same a")].filter((link) => named.includes(link.dataset.area));
  const place = document.createElement("p");
  place.append(...links.flatMap((link) => [link.cloneNode(true), " "]));
  if (links.length > 0) document.getElementById(`line-${at}`)?.append(place);
}

root.addEventListener("history-shown", ({ detail }) => {
  detail.reading.lines.forEach((line, at) => {
    lead(line, at);
    offer(line, at);
  });
  mount(root, detail);
});
open(root);
