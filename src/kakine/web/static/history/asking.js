// What a page of sealed content asks of its own origin: one message each way, and the file of names.

/** The portal did not answer with what was asked for; `code` is that of its problem, or "". */
export class Unreachable extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/** The answer's bytes. Whatever is not of this media type is `Unreachable`. */
export async function asked(address, token, media, body) {
  let answer;
  try {
    answer = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": media, "X-Kakine-Token": token },
      body,
      credentials: "same-origin",
      redirect: "error",
      cache: "no-store",
    });
  } catch {
    throw new Unreachable("");
  }
  if (!answer.ok || answer.headers.get("Content-Type") !== media) throw new Unreachable(await problemOf(answer));
  try {
    return new Uint8Array(await answer.arrayBuffer());
  } catch {
    throw new Unreachable(""); // it broke off half-way
  }
}

/** The code of a problem document (RFC 9457); nothing that is not one of ours. */
async function problemOf(answer) {
  try {
    return /^urn:kakine:problem:([a-z0-9-]{1,60})$/.exec((await answer.json()).type)?.[1] ?? "";
  } catch {
    return "";
  }
}

/** Everybody gets the same whole file, so nothing is told by asking for it. Without it ids stand alone. */
export async function namesFrom(address) {
  try {
    const answer = await fetch(address, { credentials: "same-origin", redirect: "error" });
    const names = answer.ok ? await answer.json() : {};
    return typeof names === "object" && names !== null ? names : {};
  } catch {
    return {};
  }
}
