// Webhooks by the npm package standardwebhooks: node verify.mjs MESSAGES, as verify.py does.

import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";

function fits({ secret, headers, body }) {
  try {
    new Webhook(secret).verify(Buffer.from(body, "base64").toString("utf8"), headers);
    return true;
  } catch {
    return false;
  }
}

const messages = JSON.parse(readFileSync(process.argv[2], "utf8"));
const wrong = messages.filter((each) => fits(each) !== each.fits);
console.log(`npm standardwebhooks: ${messages.length} messages, ${wrong.length} judged wrongly`);
for (const each of wrong) console.log("  ", each.what, JSON.stringify(each.headers));
process.exit(wrong.length === 0 ? 0 : 1);
