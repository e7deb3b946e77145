// What a line says of delegation (spec/delegation.md), by its items: the same as `kakine history` says.

const WORDS = {
  ja: {
    by: ({ right }) => `代理人による: ${right}`, check: "代理のための確認", other: "他の人の代理として",
    rights: { parent: "親権者", court: "後見人など", proxy: "本人が任せた人" },
    "stand-by": "代理を引き受けるための番号を渡した", appoint: "代理人を届け出た", end: "代理を終えた", list: "代理の一覧を見た",
  },
  easy: {
    by: ({ right }) => `かわりの 人が しました: ${right}`, check: "かわりの 人の ための 確（たし）かめ", other: "ほかの 人の かわりに しました",
    rights: { parent: "親（おや）", court: "裁判所（さいばんしょ）が 決めた 人", proxy: "本人（ほんにん）が 任（まか）せた 人" },
    "stand-by": "引（ひ）き受（う）ける 番号（ばんごう）を もらいました", appoint: "かわりの 人を 決めました", end: "かわりを やめました",
    list: "かわりの 人の 一覧（いちらん）を 見ました",
  },
  en: {
    by: ({ right }) => `By a delegate: ${right}`, check: "for a mandate", other: "on behalf of somebody else",
    rights: { parent: "a parent", court: "a guardian, by a court's decision", proxy: "a proxy, by the person's own will" },
    "stand-by": "a code was given to act for somebody", appoint: "somebody was registered to act", end: "mandates ended",
    list: "the list of mandates was seen",
  },
};

/** In words of ours; "" for a line that has nothing to do with delegation. */
export function actedText(items, language) {
  const words = WORDS[language];
  const right = items.find((item) => Object.hasOwn(words.rights, item));
  if (items.includes("represented")) return right ? words.by({ right: words.rights[right] }) : words.check;
  if (items.includes("representing")) return words.other;
  const said = items[0] === "mandate" && items.find((item) => ["stand-by", "appoint", "end", "list"].includes(item));
  return said ? [words[said], right ? words.rights[right] : ""].filter((each) => each !== "").join(" · ") : "";
}
