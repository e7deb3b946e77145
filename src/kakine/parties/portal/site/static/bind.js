// A new passkey of this device. What the authenticator gives goes to the portal; no fingerprint or face does.

import { bytes, offer, post, text } from "./device.js";

const root = document.getElementById("bind");
const button = document.getElementById("create");

async function create() {
  const options = await post(root, "/ways/passkey/options");
  const made = await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: [],
    },
  });
  const { attestationObject, clientDataJSON } = made.response;
  return post(root, "/ways/passkey", {
    id: made.id,
    rawId: text(made.rawId),
    type: made.type,
    response: { attestationObject: text(attestationObject), clientDataJSON: text(clientDataJSON) },
  });
}

if (window.PublicKeyCredential) offer(root, button, create);
