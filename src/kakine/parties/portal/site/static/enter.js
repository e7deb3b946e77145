// Ways in that need the device: a passkey, or the card through the holder's own helper. No PIN ever comes here.

const root = document.getElementById("enter");
const refused = document.getElementById("refused");
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

class Refused extends Error {}

async function post(path, body) {
  const answer = await fetch(root.dataset.prefix + path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Kakine-Token": root.dataset.token },
    body: JSON.stringify(body ?? {}),
    redirect: "error",
  });
  const said = await answer.json();
  if (!answer.ok) throw new Refused(String(said.type ?? "").replace("urn:kakine:problem:", ""));
  return said;
}

async function withPasskey() {
  const options = await post("/enter/passkey/options");
  const made = await navigator.credentials.get({
    publicKey: { ...options, challenge: bytes(options.challenge), allowCredentials: [] },
  });
  const { authenticatorData, clientDataJSON, signature, userHandle } = made.response;
  return post("/enter/passkey", {
    id: made.id,
    rawId: text(made.rawId),
    type: made.type,
    response: {
      authenticatorData: text(authenticatorData),
      clientDataJSON: text(clientDataJSON),
      signature: text(signature),
      userHandle: userHandle ? text(userHandle) : null,
    },
  });
}

async function signed(helper, challenge) {
  let answer;
  try {
    answer = await fetch(`${helper}/sign`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ challenge }),
    });
  } catch {
    throw new Refused(root.dataset.nohelper);
  }
  const said = await answer.json();
  if (!answer.ok) throw new Refused(said.problem ?? String(answer.status));
  return said;
}

async function withCard() {
  const { challenge, helper } = await post("/enter/card/challenge");
  const { certificate, signature } = await signed(helper, challenge);
  return post("/enter/card", { certificate, signature });
}

function offer(id, act) {
  const button = document.getElementById(id);
  if (!button) return;
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

if (window.PublicKeyCredential) offer("passkey", withPasskey);
offer("card", withCard);
