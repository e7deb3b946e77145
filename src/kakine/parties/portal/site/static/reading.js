// The history of somebody who has given a mandate, in the browser of whoever holds it: opened and verified as one's own.

import { open } from "./history/page.js";

await open(document.getElementById("record"));
