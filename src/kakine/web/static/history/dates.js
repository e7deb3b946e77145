// Days and moments as people read them, in both calendars, by this machine's clock (web/dates.py has the same forms).

const ERAS = [
  [Date.UTC(2019, 4, 1), "令和", "Reiwa", 2019],
  [Date.UTC(1989, 0, 8), "平成", "Heisei", 1989],
  [Date.UTC(1926, 11, 25), "昭和", "Showa", 1926],
];
const MONTHS = [
  "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
];

/** A day (local year, month from 0, day) in both calendars; `language` is ja, easy or en. */
function dayText(year, month, day, language) {
  const found = ERAS.find(([first]) => Date.UTC(year, month, day) >= first);
  const years = found ? year - found[3] + 1 : 0;
  if (language === "en") return `${day} ${MONTHS[month]} ${year}${found ? ` (${found[2]} ${years})` : ""}`;
  const rest = `${month + 1}月${day}日`;
  if (!found) return `${year}年${rest}`;
  const era = `${found[1]}${years === 1 ? "元" : years}年`;
  return language === "easy" ? `${year}年（${era}）${rest}` : `${era}${rest}（${year}年）`;
}

/** A moment (milliseconds) to the minute, local. */
export function momentText(ms, language) {
  const then = new Date(ms);
  const day = dayText(then.getFullYear(), then.getMonth(), then.getDate(), language);
  const [hour, minute] = [then.getHours(), then.getMinutes()].map((each) => String(each).padStart(2, "0"));
  if (language === "en") return `${day}, ${hour}:${minute}`;
  return `${day}${language === "easy" ? " " : ""}${hour}時${minute}分`;
}

/** A day that stands as days since 1970-01-01. */
export function dateText(days, language) {
  const then = new Date(days * 86_400_000);
  return dayText(then.getUTCFullYear(), then.getUTCMonth(), then.getUTCDate(), language);
}

/** A month that stands as months since 2000-01. */
export function monthText(months, language) {
  const [year, month] = [2000 + Math.floor(months / 12), months % 12];
  return language === "en" ? `${MONTHS[month]} ${year}` : `${year}年${month + 1}月`;
}
