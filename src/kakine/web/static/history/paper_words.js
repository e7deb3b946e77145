// The words of copies, prints and the yearly letter in the three languages (cli/paper_texts.json has those of the PDF).

const ja = {
  head: "持ち帰る", intro: "ファイルも紙も、この端末の中だけで作ります。窓口には何も送りません。できたものには、あなたについての照会の内容が読める形で入ります。",
  json: "JSON で保存", csv: "表計算用（CSV）で保存", codes: "一件ずつに QR コードを付ける（ほかの端末で確かめられます）",
  large: "大きな文字", print: "履歴を印刷する", year: "年次のお知らせを作る", yearOf: "年", making: ({ done, all }) => `作っています（${done}/${all}）`,
  preview: "印刷の前の確認", now: "印刷する", close: "印刷をやめる",
  expiring: ({ count, day }) => `${count}件の記録が、60日以内に消去されます。最初は${day}ごろです。残したいときは保存してください。`,
  expiringHead: "まもなく消去される記録があります", keep: "確かめられる形で保存",
  title: "情報提供等の記録の写し", made: ({ when }) => `${when} 現在。垣根の国（架空）`,
  list: "あなたについて、だれが、何のために、何を尋ねたか", columns: ["番号", "日時", "尋ねた機関 → 答えた機関", "根拠・項目", "結果"],
  check: "確かめ方",
  steps: [
    "二つの四角（QRコード）を、読み取り機で文字として読みます。",
    "「受領証を確かめる頁」（verify/index.html。図書館などの端末でも、通信なしで動きます）に続けて入れ、方針（policy.txt。窓口の「紙」の部屋にあります）を選びます。",
    "「確認できました」と出れば、その一件が公の台帳にあり、ここに書かれたとおりであることが分かります。",
    "身に覚えのない記録には異議を申し立てられます。料金はかかりません。",
  ],
  number: "番号", receipt: "受領証", record: "記録", footer: "本人のための写しです。ほかの人に見せる必要はありません。",
  yearTitle: ({ year }) => `${year}年のお知らせ`,
  exchanged: ({ year, exchanged, organisations }) => `${year}年に、あなたの情報は${exchanged}回、${organisations}の機関に提供されました。`,
  asked: ({ asked }) => `尋ねられたのは${asked}回です（断られたもの、該当のなかったものを含みます）。`,
  yearColumns: ["尋ねた機関", "提供された回数", "尋ねた回数"],
  own: ({ own }) => `このほかに、あなたの閲覧や決定、符号の維持などの記録が${own}件あります。`,
  gone: ({ erased }) => `${erased}件は保存期間の満了により消去され、何の記録だったかは数えられません。`,
};

const easy = {
  ...ja,
  head: "もって かえる", intro: "ファイルも 紙（かみ）も、この 機械（きかい）の 中だけで 作（つく）ります。どこにも 送（おく）りません。あなたの ことが 書（か）いて あります。気（き）を つけて ください。",
  json: "JSON で 保存（ほぞん）", csv: "表（ひょう）の ファイル（CSV）で 保存", codes: "ひとつずつに QRコードを つける",
  large: "大（おお）きな 字（じ）", print: "記録（きろく）を 印刷（いんさつ）する", year: "一年（いちねん）の お知らせを 作る", yearOf: "年（とし）",
  making: ({ done, all }) => `作って います（${done}/${all}）`, preview: "印刷する 前（まえ）に 見（み）る", now: "印刷する", close: "印刷を やめる",
  expiring: ({ count, day }) => `${count}件（けん）の 記録が、60日（にち）の うちに 消（き）えます。はじめは ${day}ごろです。のこしたい ときは 保存して ください。`,
  expiringHead: "もうすぐ 消える 記録が あります", keep: "確（たし）かめられる 形（かたち）で 保存",
  title: "あなたの 記録の 写（うつ）し", made: ({ when }) => `${when} の 記録です。垣根（かきね）の 国（くに）（つくりごと）`,
  list: "だれが あなたの ことを 聞（き）いたか", columns: ["番号（ばんごう）", "いつ", "聞いた ところ → 答（こた）えた ところ", "なぜ・なにを", "どうなったか"],
  check: "確かめ方（かた）",
  steps: [
    "2つの 四角（しかく）（QRコード）を 読（よ）みとります。",
    "図書館（としょかん）の パソコンなどで「受領証を確かめる頁」（verify/index.html）を ひらいて、文字（もじ）と policy.txt を 入（い）れます。",
    "「確認できました」と でたら、ここに 書いて ある ことは 本当（ほんとう）です。",
    "知（し）らない 記録が あったら、窓口（まどぐち）で 言（い）って ください。お金（かね）は かかりません。",
  ],
  number: "番号", receipt: "うけとりの 証拠（しょうこ）", record: "記録", footer: "あなたの ための 紙です。ほかの 人に 見せなくて いいです。",
  yearTitle: ({ year }) => `${year}年の お知らせ`,
  exchanged: ({ year, exchanged, organisations }) => `${year}年に、あなたの 情報（じょうほう）は ${exchanged}回（かい）、${organisations}の ところに わたされました。`,
  asked: ({ asked }) => `聞かれたのは ${asked}回です（ことわられた ものも 入っています）。`,
  yearColumns: ["聞いた ところ", "わたされた 回数（かいすう）", "聞いた 回数"],
  own: ({ own }) => `ほかに、あなたが 見たり 決（き）めたり した 記録などが ${own}件 あります。`,
  gone: ({ erased }) => `${erased}件は もう 消えました。何（なん）の 記録だったかは わかりません。`,
};

const en = {
  head: "Take it home", intro: "Files and paper are made on this device alone; the portal is sent nothing. They say in readable form what was asked about you.",
  json: "Save as JSON", csv: "Save for a spreadsheet (CSV)", codes: "QR codes for each line (it can be checked on another device)",
  large: "Large print", print: "Print the history", year: "Make the yearly letter", yearOf: "Year", making: ({ done, all }) => `Being made (${done} of ${all})`,
  preview: "Before it is printed", now: "Print", close: "Do not print",
  expiring: ({ count, day }) => `${count} records will be erased within 60 days, the first about ${day}. Save them if you want to keep them.`,
  expiringHead: "Records will be erased soon", keep: "Save in a form that can be checked",
  title: "Copy of the records about you", made: ({ when }) => `As of ${when}. Country of Kakine (made up)`,
  list: "Who asked what about you, and why", columns: ["No.", "When", "Who asked → who answered", "Ground, items", "Result"],
  check: "How to check",
  steps: [
    "Read the two squares (QR codes) as text with a scanner.",
    "Put the texts, one after another, into the page that verifies receipts (verify/index.html; it works without a network, also at a library) and choose the policy (policy.txt, from the portal's room of paper).",
    "If it says that it is verified, this entry is in the public ledger and says what is written here.",
    "You may object to a record that you do not recognise. It costs nothing.",
  ],
  number: "No.", receipt: "Receipt", record: "Record", footer: "A copy for the person it is about. Nobody may ask to see it.",
  yearTitle: ({ year }) => `Your letter for ${year}`,
  exchanged: ({ year, exchanged, organisations }) => `In ${year} your data were exchanged ${exchanged} times. Organisations that got something: ${organisations}.`,
  asked: ({ asked }) => `You were asked about ${asked} times, counting what was refused and what was not found.`,
  yearColumns: ["Asked by", "Got something", "Asked"],
  own: ({ own }) => `Besides, there are ${own} records of what you read or decided, and of the upkeep of codes.`,
  gone: ({ erased }) => `${erased} records were erased on schedule; what they were of is not known any more.`,
};

export const PAPER = { ja, easy, en };
