// Ways in that need the device: a passkey, or the card through the holder's own helper. No PIN ever comes here.

import { Refused, bytes, offer, post, text } from "./device.js";

const root = document.getElementById("enter");

async function withPasskey() {
  const options = await post(root, "/enter/passkey/options");
  const made = await navigator.credentials.get({
    publicKey: { ...options, challenge: bytes(options.challenge), allowCredentials: [] },
  });
  const { authenticatorData, clientDataJSON, signature, userHandle } = made.response;
  return post(root, "/enter/passkey", {
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
  const { challenge, helper } = await post(root, "/enter/card/challenge");
  const { certificate, signature } = await signed(helper, challenge);
  return post(root, "/enter/card", { certificate, signature });
}

const [passkey, card] = ["passkey", "card"].map((id) => document.getElementById(id));
if (passkey && window.PublicKeyCredential) offer(root, passkey, withPasskey);
if (card) offer(root, card, withCard);
