// Quick exit: the page is replaced, so that "back" does not lead to it. Escape three times does the same as the button.
// Without this script the button is an ordinary form.
"use strict";

const form = document.getElementById("away");
let pressed = 0;

async function away(event) {
  event?.preventDefault();
  document.body.hidden = true;
  const body = new URLSearchParams(new FormData(form));
  try {
    await fetch(form.action, { method: "POST", body, redirect: "manual", keepalive: true });
  } finally {
    location.replace(form.dataset.to);
  }
}

form.addEventListener("submit", away);
document.addEventListener("keydown", (event) => {
  pressed = event.key === "Escape" ? pressed + 1 : 0;
  if (pressed === 3) away();
});
