// Runs the module of verify/index.html as a browser would, on a small document of its own, and prints what is shown.
// {"module": path, "files": {"policy": base64, "receipt": base64, "record": base64 or absent}}
import { pathToFileURL } from "node:url";
import { text } from "node:stream/consumers";

class Element {
  constructor(tag) {
    Object.assign(this, { tag, children: [], textContent: "", className: "", lang: "", files: [], heard: {} });
  }
  append(...more) {
    this.children.push(...more);
  }
  replaceChildren(...all) {
    this.children = all;
  }
  addEventListener(name, hear) {
    this.heard[name] = hear;
  }
  lines() {
    return [`${this.tag}: ${this.textContent}`, ...this.children.flatMap((each) => each.lines())];
  }
}
for (const name of ["innerHTML", "outerHTML", "insertAdjacentHTML"]) {
  Object.defineProperty(Element.prototype, name, { set() { throw new Error(`${name} is used`); } });
}

const asked = JSON.parse(await text(process.stdin));
const byId = Object.fromEntries(["policy", "receipt", "record", "check", "verdict"].map((id) => [id, new Element(id)]));
for (const [name, file] of Object.entries(asked.files)) {
  const data = new Uint8Array(Buffer.from(file, "base64"));
  byId[name].files = [{ size: data.length, arrayBuffer: async () => data.buffer }];
}
globalThis.document = { getElementById: (id) => byId[id], createElement: (tag) => new Element(tag) };
for (const name of ["fetch", "WebSocket", "EventSource", "XMLHttpRequest"]) {
  Object.defineProperty(globalThis, name, { get() { throw new Error(`${name} is used`); } });
}
if (asked.without) {
  const subtle = { ...asked.without, digest: crypto.subtle.digest.bind(crypto.subtle) };
  subtle.importKey = async () => { throw new Error("Unrecognized name."); };
  Object.defineProperty(globalThis, "crypto", { value: { subtle } });
}
await import(pathToFileURL(asked.module).href);
await byId.check.heard.click();
console.log(JSON.stringify({ className: byId.verdict.className, lines: byId.verdict.lines() }));
