// The words of the page of own data, in three languages; what the templates say stands in their catalogues.

const ja = {
  pulling: "機関に尋ねています。届いたものは、この端末の中だけで開きます。",
  shown: ({ when }) => `${when}に、それぞれの機関から届いたものです。`,
  none: "なし",
  trace: "この表示も、機関ごとに一行、あなたの履歴に残りました。",
  asOf: ({ when }) => `${when}現在`,
  until: ({ when }) => `${when}まで有効`,
  layout: ({ layout, version }) => `様式 第${layout}版、もとのデータ 第${version}版`,
  raw: "届いたままの文字",
  yes: "はい", no: "いいえ",
  failed: "届いたものを確かめることができませんでした。何も表示しません。",
  unreachable: "今は届きませんでした。しばらくしてから、もう一度お試しください。",
  unable: "このブラウザでは開けません。X25519 を備えた新しいブラウザか、市区町村の窓口をご利用ください。",
  stepUp: "この分野は、もう一つの方法で確かめてから見られます。",
  code: ({ code }) => `理由の符号: ${code}`,
  again: "もう一度",
};

const easy = {
  ...ja,
  pulling: "役所（やくしょ）に 聞（き）いて います。この 機械（きかい）の 中（なか）だけで 開（ひら）きます。",
  shown: ({ when }) => `${when}に、役所から もらった ものです。`,
  none: "ありません",
  trace: "見た ことは、役所ごとに 1行（ぎょう）、あなたの 履歴（りれき）に 残（のこ）りました。",
  asOf: ({ when }) => `${when}の こと`,
  until: ({ when }) => `${when}まで 使（つか）えます`,
  layout: ({ layout, version }) => `形（かたち） ${layout}番、もとの 情報（じょうほう） ${version}番`,
  raw: "そのままの 文字（もじ）",
  failed: "確（たし）かめる ことが できませんでした。何も 見せません。",
  unreachable: "今は もらえませんでした。あとで もう一度 して ください。",
  unable: "この ブラウザでは 開けません。新しい ブラウザか、市や 町の 窓口（まどぐち）を 使って ください。",
  stepUp: "もう一つの 方法（ほうほう）で 確かめてから 見る ことが できます。",
  code: ({ code }) => `わけの 番号（ばんごう）: ${code}`,
};

const en = {
  pulling: "The agencies are being asked. What arrives is opened on this device alone.",
  shown: ({ when }) => `This came from each agency on ${when}.`,
  none: "None",
  trace: "That you were shown this is now in your history, a line for each agency.",
  asOf: ({ when }) => `as of ${when}`,
  until: ({ when }) => `valid until ${when}`,
  layout: ({ layout, version }) => `layout ${layout}, source version ${version}`,
  raw: "As it came",
  yes: "yes", no: "no",
  failed: "What came could not be verified. Nothing is shown.",
  unreachable: "Nothing could be fetched now. Try again in a while.",
  unable: "This browser cannot open it. Use a newer one, with X25519, or a counter of your municipality.",
  stepUp: "This kind of data is shown once you have confirmed who you are in a second way.",
  code: ({ code }) => `Reason: ${code}`,
  again: "Try again",
};

export const WORDS = { ja, easy, en };
