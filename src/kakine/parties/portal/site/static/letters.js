// What only the holder's device can know: which records will be erased soon, and the letter of the year. On a click the
// history is read and opened here; the list itself is not shown.

import { open } from "./history/page.js";
import { mount } from "./history/take_home.js";

const root = document.getElementById("own-letters");
const start = document.getElementById("own-letters-look");

root.addEventListener("history-shown", ({ detail }) => {
  const soon = document.createElement("div");
  mount(soon, detail);
  const none = document.createElement("p");
  none.textContent = root.dataset.none;
  const said = soon.querySelector(".expiring") ?? none;
  const verdict = root.querySelector(".history-verdict");
  root.replaceChildren(verdict, said, soon);
});

start.hidden = false;
start.addEventListener("click", () => {
  start.disabled = true;
  open(root);
});
