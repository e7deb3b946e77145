// A relying party written with the npm package openid-client and nothing of ours: one login a line of input.
//
// It reads {issuer, client, jwk, redirect, scope, more} and writes the address to open; `more` are further parameters. Then it
// reads {callback}, the address the browser was sent back to, and writes what it got, or {refused} with what the library says.
// With a grant for the latest items it uses that at once and writes what it is told as `latest`.
import { createInterface } from "node:readline";
import * as oidc from "openid-client";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const read = async () => JSON.parse((await lines.next()).value);
const write = (value) => process.stdout.write(JSON.stringify(value) + "\n");

const asked = await read();
const usage = { name: "ECDSA", namedCurve: "P-256" };
const key = await crypto.subtle.importKey("jwk", asked.jwk, usage, false, ["sign"]);
const prove = oidc.PrivateKeyJwt({ key, kid: asked.jwk.kid });
const config = await oidc.discovery(
  new URL(asked.issuer),
  asked.client,
  { id_token_signed_response_alg: "ES256" },
  prove,
  { execute: [oidc.allowInsecureRequests] }, // the provider under test has no TLS
);
const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair("ES256"));
const verifier = oidc.randomPKCECodeVerifier();
const [state, nonce] = [oidc.randomState(), oidc.randomNonce()];
const address = await oidc.buildAuthorizationUrlWithPAR(
  config,
  {
    redirect_uri: asked.redirect,
    scope: asked.scope,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    nonce,
    ...asked.more,
  },
  { DPoP },
);
write({ address });

// The library has no word for this endpoint, but each part of the call: who asks, and with which key.
async function latest(tokens) {
  const body = new URLSearchParams({ grant: tokens.latest_grant });
  const headers = new Headers();
  await prove(config.serverMetadata(), config.clientMetadata(), body, headers);
  const address = new URL(config.serverMetadata().latest_endpoint);
  const answer = await oidc.fetchProtectedResource(config, tokens.access_token, address, "POST", body, headers, { DPoP });
  return answer.json();
}

const { callback } = await read();
try {
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
  const tokens = await oidc.authorizationCodeGrant(config, new URL(callback), checks, undefined, { DPoP });
  const claims = tokens.claims();
  const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub, { DPoP });
  const later = tokens.latest_grant ? { latest: await latest(tokens) } : {};
  write({ type: tokens.token_type, claims, userinfo, scope: tokens.scope, ...later });
} catch (fault) {
  write({ refused: fault.code ?? fault.name, error: fault.error, problem: fault.cause?.problem });
}
process.exit(0);
