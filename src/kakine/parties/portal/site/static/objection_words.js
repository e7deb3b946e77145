// The words of the objections room in the three languages. Values go in by name; they are shown as text.

const ja = {
  none: "異議はまだありません。", asking: "委員会に尋ねています。", filed: "申し立てた時刻", due: "答えの期限", clock: "時計", reason: "理由",
  left: ({ days }) => `あと${days}日`, late: ({ days }) => `期限を${days}日過ぎています`, stopped: "答えが出たので止まりました",
  reasons: { "not-me": "これは私のことではない", "not-asked": "この手続きを頼んでいない", "data-wrong": "伝えられた情報がまちがっている（訂正請求）", other: "そのほか" },
  state: "委員会", agency: "機関", answer: "委員会の答え", follows: "これから",
  unsent: "まだ送っていません。下から機関に送ってください。", working: "委員会が調べています。", waiting: ({ party }) => `委員会が ${party} の返事を待っています。`,
  right: "変換は正しく行われていました。", "not-released": "この照会は途中で止まり、何も渡されていませんでした。",
  fault: ({ party, fault }) => `${party} に誤りがありました（${fault}）。`, silent: ({ party }) => `${party} は期限までに答えませんでした。`,
  refused: ({ party }) => `${party} は受け取りを断りました。`,
  next: {
    right: "記録は、機関が尋ねた符号の人に届いています。それでもあなたのことでないなら、尋ねた機関が自分の名簿を取りちがえています。その機関か委員会に、紙で申し出てください。",
    fault: "誤りと相手の名は委員会に残りました。あなたの名は残っていません。委員会の答えへの不服は、この画面ではなく紙で委員会に申し立てます。",
    "not-released": "することはありません。",
    open: "答えは、この部屋で読めます。遅れれば、だれにでも見える数に入ります。",
  },
  passed: ({ party, when }) => `${party} に渡しました。${when}までに答えなければ、委員会が答え、名を残します。`,
  undelivered: ({ party, when }) => `${party} に渡そうとしています。${when}までに答えなければ、委員会が答え、名を残します。`,
  replied: ({ when }) => `${when} に答えました。`, away: "機関の答えを今は受け取れません。あとでもう一度お試しください。",
  doubt: ({ code }) => `機関の答えは確かめられませんでした（${code}）。信じないでください。`, failed: ({ code }) => `委員会の答えは確かめられませんでした（${code}）。信じないでください。`,
  outcomes: { corrected: "直しました", kept: "直しません", explained: "説明", forwarded: "ほかの機関が決めることです" },
  items: "まちがっている情報", note: "機関だけが読む説明（なくてもよい）", noteHint: "400字まで。この端末で封をします。窓口も委員会も読めません。ほかの人のことは書かないでください。",
  holder: ({ party }) => `${party} に訂正を求める`, asker: ({ party }) => `${party} に伝える`,
};

const easy = {
  ...ja,
  none: "「ちがう」と 言った 記録（きろく）は ありません。", asking: "委員会（いいんかい）に 聞いて います。", filed: "言った とき", due: "いつまでに 答（こた）えるか", clock: "時計（とけい）", reason: "わけ",
  left: ({ days }) => `あと ${days}日（にち）`, late: ({ days }) => `${days}日 おくれて います`, stopped: "答えが 出ました",
  reasons: { "not-me": "わたしの ことでは ない", "not-asked": "たのんで いない", "data-wrong": "まちがって いる（なおして ください）", other: "ほかの わけ" },
  agency: "役所（やくしょ）など", answer: "委員会の 答え",
  unsent: "まだ 送って いません。下から 送って ください。", working: "委員会が しらべて います。", waiting: ({ party }) => `${party} の 返事（へんじ）を 待って います。`,
  right: "正（ただ）しく あつかわれて いました。", "not-released": "とちゅうで 止まりました。何も わたって いません。",
  fault: ({ party, fault }) => `${party} が まちがえました（${fault}）。`, silent: ({ party }) => `${party} は 答えませんでした。`, refused: ({ party }) => `${party} は うけとりませんでした。`,
  next: {
    right: "それでも あなたの ことで ないなら、聞いた 役所が 人を まちがえて います。その 役所か 委員会に 紙（かみ）で 言って ください。",
    fault: "まちがいは 委員会に のこりました。あなたの 名前（なまえ）は のこりません。答えに 不満（ふまん）なら、紙で 委員会に 言って ください。",
    "not-released": "何も しなくて いいです。", open: "答えは この 部屋（へや）で 読めます。",
  },
  passed: ({ party, when }) => `${party} に わたしました。${when}までに 答えないと、委員会が 答えます。`,
  undelivered: ({ party, when }) => `${party} に わたす ところです。${when}までに 答えないと、委員会が 答えます。`,
  replied: ({ when }) => `${when} に 答えました。`, away: "今は 答えを もらえません。あとで もう一度。",
  doubt: ({ code }) => `役所の 答えは 確（たし）かめられません（${code}）。信（しん）じないで ください。`, failed: ({ code }) => `委員会の 答えは 確かめられません（${code}）。信じないで ください。`,
  outcomes: { corrected: "なおしました", kept: "なおしません", explained: "せつめい", forwarded: "ほかの ところが 決（き）めます" },
  items: "まちがって いる もの", note: "せつめい（書かなくても いい）", noteHint: "400字まで。相手（あいて）の 役所だけが 読みます。ほかの 人の ことは 書かないで ください。",
  holder: ({ party }) => `${party} に なおして もらう`, asker: ({ party }) => `${party} に 伝（つた）える`,
};

const en = {
  none: "You have not objected to anything.", asking: "Asking the commission.", filed: "Filed", due: "Answer due", clock: "Clock", reason: "Reason",
  left: ({ days }) => `${days} days left`, late: ({ days }) => `${days} days overdue`, stopped: "stopped: it has been answered",
  reasons: { "not-me": "This is not about me", "not-asked": "I did not ask for this", "data-wrong": "What was given is wrong (correction request)", other: "Something else" },
  state: "Commission", agency: "Organisation", answer: "The commission's answer", follows: "What follows",
  unsent: "Not sent yet. Send it to the organisation below.", working: "The commission is looking into it.", waiting: ({ party }) => `The commission waits for ${party}.`,
  right: "The conversion was right.", "not-released": "This question stopped on its way; nothing was given out.",
  fault: ({ party, fault }) => `${party} was at fault (${fault}).`, silent: ({ party }) => `${party} did not answer in time.`,
  refused: ({ party }) => `${party} would not take it.`,
  next: {
    right: "The record went to the person of whose code the organisation asked. If that was not you, the organisation has mixed up its own files: write to it, or to the commission, on paper.",
    fault: "The fault and who made it stand with the commission; your name does not. Against its answer you write to the commission on paper, not here.",
    "not-released": "There is nothing to do.",
    open: "You can read the answer in this room. If it is late, that counts in numbers that everybody sees.",
  },
  passed: ({ party, when }) => `Passed on to ${party}. If it has not answered by ${when}, the commission answers, and names it.`,
  undelivered: ({ party, when }) => `Being passed on to ${party}. If it has not answered by ${when}, the commission answers, and names it.`,
  replied: ({ when }) => `Answered at ${when}.`, away: "Its answer cannot be had now. Try again later.",
  doubt: ({ code }) => `The organisation's answer could not be verified (${code}). Do not believe it.`, failed: ({ code }) => `The commission's answer could not be verified (${code}). Do not believe it.`,
  outcomes: { corrected: "Corrected", kept: "Not corrected", explained: "Explained", forwarded: "For another body to decide" },
  items: "What is wrong", note: "A note that only the organisation reads (optional)", noteHint: "Up to 400 characters, sealed on this device: neither this portal nor the commission can read it. Write nothing about other people.",
  holder: ({ party }) => `Ask ${party} for a correction`, asker: ({ party }) => `Tell ${party}`,
};

export const WORDS = { ja, easy, en };
