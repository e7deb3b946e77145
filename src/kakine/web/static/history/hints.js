// What may be worth a second look, worked out here and nowhere else. Nothing of it leaves this page, and nobody scores
// anybody: each hint is a fact about the lines that the reader sees.

const HOUR = 3_600_000;
const RECENT = 90 * 24 * HOUR;
const SETTLED = 5;
const BURST = 10;
const NIGHT = [22, 6];

/** Whether an organisation has asked about the reader: not what the reader did, and not the giving out of codes. */
const asks = (line) => line.kind === "request" && line.rows.length > 0;

/**
 * By place (`origin index`) of a line the hints on it: "new-organisation" and "new-purpose" where within 90 days somebody
 * asked, or a ground was used, for the first time in a list that has others from before; "unusual-hour" between 22 and 6
 * by this clock; "burst" for ten and more of one organisation within an hour.
 */
export function hintsOf(lines, nowMs) {
  const found = new Map();
  const add = (line, hint) => found.set(placeOf(line), [...(found.get(placeOf(line)) ?? []), hint]);
  const asked = lines.filter(asks).sort((a, b) => a.time - b.time);
  const settled = asked.filter((line) => line.time < nowMs - RECENT).length >= SETTLED;
  for (const [name, hint] of [["requester", "new-organisation"], ["ground", "new-purpose"]]) {
    const known = new Set();
    for (const line of asked) {
      if (settled && line.time >= nowMs - RECENT && !known.has(line[name])) add(line, hint);
      known.add(line[name]);
    }
  }
  for (const line of asked) {
    const hour = new Date(line.time).getHours();
    if (hour >= NIGHT[0] || hour < NIGHT[1]) add(line, "unusual-hour");
  }
  for (const line of bursts(asked)) add(line, "burst");
  return found;
}

export const placeOf = (line) => `${line.origin} ${line.index}`;

function bursts(asked) {
  const found = new Set();
  for (const requester of new Set(asked.map((line) => line.requester))) {
    const own = asked.filter((line) => line.requester === requester);
    for (let first = 0, at = 0; at < own.length; at += 1) {
      while (own[at].time - own[first].time > HOUR) first += 1;
      if (at - first + 1 >= BURST) for (const line of own.slice(first, at + 1)) found.add(line);
    }
  }
  return found;
}
