// Kinds of records that one way in does not show (spec/browser.md section 7): by what was asked and by which organisation,
// out of the file of names, never by who the reader is. So a list looks the same whether or not something is left out.

import { hex } from "./verify.js";

/** Whether a line is of such a kind. Without the file of names nobody can tell, so every line is. */
function isQuiet(line, quiet) {
  if (!quiet) return true;
  return line.items.some((item) => quiet.items.includes(item))
    || [line.requester, line.recipient].some((domain) => quiet.domains.includes(domain));
}

/** The reading without lines of these kinds, what follows from them, and the rows behind them. */
export function withoutQuiet(reading, names) {
  const gone = new Set(reading.lines.filter((line) => isQuiet(line, names.quiet)).map((line) => line.xid));
  let before = -1;
  while (before !== gone.size) {
    before = gone.size;
    for (const line of reading.lines) if (line.parent !== "" && gone.has(line.parent)) gone.add(line.xid);
  }
  const lines = reading.lines.filter((line) => !gone.has(line.xid));
  const kept = new Set(lines.map((line) => line.xid));
  const rows = reading.files.rows.filter((row) => kept.has(hex(row.record.personal.xid)));
  return { ...reading, lines, files: { ...reading.files, rows } };
}
