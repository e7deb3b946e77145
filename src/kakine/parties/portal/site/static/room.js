// The history room: opens the history (history/page.js), and lets its reader object to a line.

import { open } from "./history/page.js";

const root = document.getElementById("record");
const section = document.getElementById("objecting");

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
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button second";
  button.textContent = root.dataset.object;
  button.addEventListener("click", () => choose(line, item));
  const place = document.createElement("p");
  place.append(button);
  item.append(place);
}

const reading = await open(root);
reading?.lines.forEach(offer);
