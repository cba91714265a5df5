// A webhook receiver for Node 18 or newer, of the standard library alone.
//
// WEBHOOK_SECRET=whsec_... node receiver.mjs 9000

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const KEY = Buffer.from(process.env.WEBHOOK_SECRET.replace(/^whsec_/, ""), "base64");
const MOST_BYTES = 1_000_000;
const seen = new Set(); // in your database: the ids of events that you have had

// Whether the sender knows the secret, and signed this not long ago.
function isOurs(headers, body) {
  const sentAt = headers["webhook-timestamp"] ?? "";
  if (!/^[0-9]{1,11}$/.test(sentAt)) return false;
  if (Math.abs(Date.now() / 1000 - Number(sentAt)) > 300) return false;
  const hmac = createHmac("sha256", KEY);
  hmac.update(`${headers["webhook-id"] ?? ""}.${sentAt}.`).update(body);
  const wanted = Buffer.from("v1," + hmac.digest("base64"));
  return (headers["webhook-signature"] ?? "").split(" ").some((each) => {
    const given = Buffer.from(each);
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  });
}

const server = createServer((request, response) => {
  const pieces = [];
  let size = 0;
  request.on("data", (piece) => {
    size += piece.length;
    if (size <= MOST_BYTES) pieces.push(piece);
  });
  request.on("end", () => {
    const body = Buffer.concat(pieces); // the raw bytes: parse them only after the check
    if (request.method !== "POST" || size > MOST_BYTES || !isOurs(request.headers, body)) {
      response.writeHead(400).end();
      return;
    }
    const event = JSON.parse(body);
    if (!seen.has(event.id)) { // the same event may come twice
      seen.add(event.id);
      console.log(event.type, event.data?.job_id ?? "");
    }
    response.writeHead(204).end();
  });
});

server.listen(Number(process.argv[2]), "127.0.0.1");
