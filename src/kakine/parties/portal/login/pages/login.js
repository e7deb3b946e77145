// Ways in that need the device: a passkey, or the card through the holder's own helper. No PIN ever comes here.
"use strict";

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const prefix = document.body.dataset.prefix;

async function post(address, body) {
  const answer = await fetch(address, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body ?? {}),
  });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.problem ?? answer.status);
  return said;
}

async function withPasskey() {
  const options = await post(`${prefix}/login/passkey/options`);
  const made = await navigator.credentials.get({
    publicKey: { ...options, challenge: bytes(options.challenge), allowCredentials: [] },
  });
  return post(`${prefix}/login/passkey`, {
    id: made.id,
    rawId: text(made.rawId),
    type: made.type,
    response: {
      authenticatorData: text(made.response.authenticatorData),
      clientDataJSON: text(made.response.clientDataJSON),
      signature: text(made.response.signature),
      userHandle: made.response.userHandle ? text(made.response.userHandle) : null,
    },
  });
}

async function bind() {
  const options = await post(`${prefix}/passkey/options`);
  const made = await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: [],
    },
  });
  await post(`${prefix}/passkey`, {
    id: made.id,
    rawId: text(made.rawId),
    type: made.type,
    response: {
      attestationObject: text(made.response.attestationObject),
      clientDataJSON: text(made.response.clientDataJSON),
    },
  });
  const bound = document.getElementById("bound");
  bound.textContent = bound.dataset.words;
}

async function withCard() {
  const { challenge, helper } = await post(`${prefix}/login/card/challenge`);
  const answer = await post(`${helper}/sign`, { challenge });
  return post(`${prefix}/login/card`, { certificate: answer.certificate, signature: answer.signature });
}

function offer(id, act) {
  document.getElementById(id)?.addEventListener("click", async () => {
    const refused = document.getElementById("refused");
    refused.textContent = "";
    try {
      const said = await act();
      if (said) location.assign(said.next);
    } catch (fault) {
      refused.textContent = `${refused.dataset.words} ${fault.message}`;
    }
  });
}

offer("passkey", withPasskey);
offer("card", withCard);
offer("bind", bind);
