// What is usual for a task, out of the commission's signed file (spec/browser.md section 9). Everybody gets the same file,
// and it is compared with the lines here, so nothing is told by asking for it. What is not right with it is not said: a
// reader without the file sees a page without it.

import { digest } from "./hashing.js";
import { int, list, name, struct, text, whole } from "./messages.js";
import { Refused, signed } from "./verify.js";

const SIGNATURE = 64;
const OLDEST_MONTHS = 3;
const MOST_BYTES = 1 << 20;
const SHARES = ["usual", "sometimes", "seldom"];

const month = int(0n, 0xfffen);
const share = (reader) => {
  const read = text(1, 10)(reader);
  if (!SHARES.includes(read)) throw new Refused("not-canonical");
  return read;
};
const form = struct({
  first: month,
  last: month,
  tasks: list(struct({ ground: name, rows: list(struct({ row: name, item: name, share })) })),
});

/** The file's bytes, or none. */
export async function usualFrom(address) {
  const none = new Uint8Array(0);
  if (!address) return none;
  try {
    const answer = await fetch(address, { credentials: "omit", redirect: "error" });
    return answer.ok ? new Uint8Array(await answer.arrayBuffer()) : none;
  } catch {
    return none;
  }
}

/**
 * {first, last, tasks}: months since 2000-01, and by task its rows with `row`, `item` and `share`. Null for a file that the
 * commission has not signed with this key, that is in no right form, or whose last month is not one of the last three.
 */
export async function usualOf(file, key, nowMs) {
  if (file.length <= SIGNATURE || file.length > MOST_BYTES) return null;
  const data = file.subarray(SIGNATURE);
  try {
    if (!(await signed(key, file.subarray(0, SIGNATURE), digest("usual-figures", data)))) return null;
    const { first, last, tasks } = whole(form, data);
    const age = monthOf(nowMs) - last;
    if (first > last || age < 1 || age > OLDEST_MONTHS) return null;
    return { first, last, tasks: new Map(tasks.map(({ ground, rows }) => [ground, rows])) };
  } catch (fault) {
    if (fault instanceof Refused) return null;
    throw fault;
  }
}

/** By the calendar of Japan, in which the commission counts. */
function monthOf(ms) {
  const then = new Date(ms + 9 * 3_600_000);
  return (then.getUTCFullYear() - 2000) * 12 + then.getUTCMonth();
}

/** {own, often}: how usual each row of a line is, and all rows that its task asks about most; null where nothing is known. */
export function comparedWith(usual, line) {
  const rows = usual?.tasks.get(line.ground) ?? [];
  const own = rows.filter((each) => line.rows.includes(each.row));
  return own.length > 0 ? { own, often: rows.filter((each) => each.share === "usual") } : null;
}
