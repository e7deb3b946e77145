// A passkey: to log in (#passkey), or to be bound at the enrolment (#new-passkey). Addresses and token are the page's.
"use strict";

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

async function post(address, token, body) {
  const answer = await fetch(address, {
    method: "POST",
    headers: { "content-type": "application/json", "x-kakine-token": token },
    body: JSON.stringify(body ?? {}),
  });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

async function used(options) {
  const publicKey = { ...options, challenge: bytes(options.challenge), allowCredentials: [] };
  const { id, rawId, type, response } = await navigator.credentials.get({ publicKey });
  return {
    id,
    rawId: text(rawId),
    type,
    response: {
      authenticatorData: text(response.authenticatorData),
      clientDataJSON: text(response.clientDataJSON),
      signature: text(response.signature),
      userHandle: response.userHandle ? text(response.userHandle) : null,
    },
  };
}

async function made(options) {
  const user = { ...options.user, id: bytes(options.user.id) };
  const publicKey = { ...options, challenge: bytes(options.challenge), user, excludeCredentials: [] };
  const { id, rawId, type, response } = await navigator.credentials.create({ publicKey });
  return {
    id,
    rawId: text(rawId),
    type,
    response: {
      attestationObject: text(response.attestationObject),
      clientDataJSON: text(response.clientDataJSON),
    },
  };
}

function offer(id, act) {
  const button = document.getElementById(id);
  button?.addEventListener("click", async () => {
    const refused = document.getElementById("refused");
    const { token, options, to, failed } = button.dataset;
    refused.textContent = "";
    try {
      const said = await post(to, token, await act(await post(options, token)));
      location.replace(said.next);
    } catch {
      refused.textContent = failed;
    }
  });
}

offer("passkey", used);
offer("new-passkey", made);
