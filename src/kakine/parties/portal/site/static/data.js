// The page of an area: pulls it when its reader says so, with a session key made here, and opens it here.
//
//   <div id="own" data-ask="/data/tax/read" data-names="…" data-holders='[["yokohama/tax", ["TK-0002"]]]' data-again="/again" …>

import { Unreachable, asked, namesFrom } from "./history/asking.js";
import { MEDIA, readOwnData, writePageAsked } from "./history/own_data.js";
import { showOwnData, showState } from "./history/own_view.js";
import { newSession } from "./history/sealing.js";
import { Refused, selfTest } from "./history/verify.js";

const root = document.getElementById("own");
const button = document.getElementById("pull");
const { language } = root.dataset;

async function pull() {
  button.disabled = true;
  showState(root, language, "pulling");
  try {
    await selfTest();
    const session = await newSession();
    const [given, names] = await Promise.all([
      asked(root.dataset.ask, root.dataset.token, MEDIA, writePageAsked(session.public)), namesFrom(root.dataset.names),
    ]);
    const told = await readOwnData(given, session, JSON.parse(root.dataset.holders));
    showOwnData(root, told, { language, names, nowMs: Date.now() });
  } catch (fault) {
    refuse(fault);
  } finally {
    button.disabled = false;
  }
}

function refuse(fault) {
  if (fault instanceof Refused) showState(root, language, "failed", fault.why);
  else if (!(fault instanceof Unreachable)) showState(root, language, "unable");
  else if (fault.code !== "step-up-needed") showState(root, language, "unreachable", fault.code);
  else {
    const link = document.createElement("a");
    link.href = root.dataset.again;
    link.textContent = root.dataset.confirm;
    showState(root, language, "stepUp", "", [link]);
  }
}

button.addEventListener("click", pull);
button.parentElement.hidden = false;
