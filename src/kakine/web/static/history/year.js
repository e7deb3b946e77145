// The yearly letter (年次のお知らせ): counts of one year in Japan, out of the verified reading and nothing else
// (spec/browser.md section 7). kakine/cli/yearly.py counts the same.

const JAPAN = 9 * 3_600_000;
const DELIVERED = ["delivered", "partial"];

export const yearOf = (ms) => new Date(ms + JAPAN).getUTCFullYear();

/** The years of which a reading says anything, the latest first. */
export function yearsOf(reading) {
  return [...new Set([...reading.lines, ...reading.erased].map((each) => yearOf(each.time)))].sort((a, b) => b - a);
}

const partyOf = (domain) => domain.split("/")[0];

/**
 * {year, asked, exchanged, organisations: [[party, exchanges, asked]], results: [[result, count]], own, erased,
 * provisional, complete, public}. An organisation asks under a row of the order; what the person did, and the upkeep of
 * codes, is `own`. `erased` entries of the year say no more what they were.
 */
export function countYear(reading, year) {
  const lines = reading.lines.filter((line) => yearOf(line.time) === year);
  const asked = lines.filter((line) => line.kind === "request" && line.rows.length > 0);
  const went = (line) => DELIVERED.includes(line.result);
  const counted = (keys) => {
    const found = new Map();
    for (const key of keys) found.set(key, (found.get(key) ?? 0) + 1);
    return found;
  };
  const byAsked = counted(asked.map((line) => partyOf(line.requester)));
  const byWent = counted(asked.filter(went).map((line) => partyOf(line.requester)));
  const ascending = ([a], [b]) => (a < b ? -1 : 1);
  return {
    year,
    asked: asked.length,
    exchanged: asked.filter(went).length,
    organisations: [...byAsked].sort(ascending).map(([party, count]) => [party, byWent.get(party) ?? 0, count]),
    results: [...counted(asked.map((line) => line.result))].sort(ascending),
    own: lines.length - asked.length,
    erased: reading.erased.filter((each) => yearOf(each.time) === year).length,
    provisional: reading.provisional,
    complete: reading.complete,
    public: reading.public,
  };
}

/** How many of the organisations got something. */
export const receivers = (counts) => counts.organisations.filter(([, exchanges]) => exchanges > 0).length;
