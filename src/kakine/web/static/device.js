// What pages need that speak to a device: bytes as text, calls to the portal, a button that says why it did not work.

export const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
export const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

/** A refusal of the portal or of the helper, by its code or in words. */
export class Refused extends Error {}

export async function post({ dataset }, path, body = {}) {
  const answer = await fetch(dataset.prefix + path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Kakine-Token": dataset.token },
    body: JSON.stringify(body),
    redirect: "error",
  });
  const said = await answer.json();
  if (!answer.ok) throw new Refused(String(said.type ?? "").replace("urn:kakine:problem:", ""));
  return said;
}

/** Show the button, which stays hidden without script; `act` gives where to go on. */
export function offer(root, button, act) {
  const refused = document.getElementById("refused");
  button.hidden = false;
  button.addEventListener("click", async () => {
    refused.textContent = "";
    button.disabled = true;
    try {
      location.assign((await act()).next);
    } catch (fault) {
      const why = fault instanceof Refused ? fault.message : root.dataset.stopped;
      refused.textContent = `${root.dataset.failed} ${why}`;
      button.disabled = false;
    }
  });
}
