// A file as the text of a QR code, byte for byte that of kakine/wire/scanned.py, and the code itself. Loaded when
// somebody prints, for the libraries weigh more than the rest of the page.

import { base45 } from "./scanned.js";
import { deflate } from "./vendor/pako-2.1.0/pako.esm.mjs";
import encodeQR from "./vendor/qr-0.7.0/index.js";

export const RECEIPT = "E";
export const RECORD = "R";

/** The text of a receipt or record. */
export const pack = (kind, file) => `KAKINE1/${kind}/${base45(deflate(file, { level: 9 }))}`;

/** Rows of dots, true for dark, with the quiet zone of four around them. Level M survives a fold. */
export const dots = (text) => encodeQR(text, "raw", { ecc: "medium", encoding: "alphanumeric", border: 4 });
