// A passkey at the console: to come in, to bind one, to confirm one act. The page works without it, by codes on paper.

import { bytes, offer, post, text } from "./device.js";

const root = document.getElementById("passkey");
const { options, answer } = root.dataset;

async function used() {
  const asked = await post(root, options);
  const made = await navigator.credentials.get({
    publicKey: { ...asked, challenge: bytes(asked.challenge), allowCredentials: [] },
  });
  const { authenticatorData, clientDataJSON, signature, userHandle } = made.response;
  return post(root, answer, {
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

async function bound() {
  const asked = await post(root, options);
  const made = await navigator.credentials.create({
    publicKey: {
      ...asked,
      challenge: bytes(asked.challenge),
      user: { ...asked.user, id: bytes(asked.user.id) },
      excludeCredentials: [],
    },
  });
  const { attestationObject, clientDataJSON } = made.response;
  return post(root, answer, {
    id: made.id,
    rawId: text(made.rawId),
    type: made.type,
    response: { attestationObject: text(attestationObject), clientDataJSON: text(clientDataJSON) },
  });
}

const button = document.getElementById("with-passkey");
if (button && window.PublicKeyCredential) offer(root, button, root.dataset.bind ? bound : used);
