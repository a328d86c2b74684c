// Takes webhooks: believes what the installation has signed, and does nothing twice.
//
//   npm ci && npm run build
//   SECRET=whsec_… node built/webhook.js 8000
//
// The secret stands in the answer that made the destination.

import { createServer, type IncomingMessage } from "node:http";
import { Webhook } from "standardwebhooks";
import { setting, type RollcallEvent } from "./directory.js";

const LARGEST = 1024 * 1024;
const webhook = new Webhook(setting("SECRET"));

// An application keeps these beside what it does, in one transaction.
const done = new Set<string>();

/** The body as it came, to the byte. */
async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request) {
    length += (part as Buffer).length;
    if (length > LARGEST) throw new Error("larger than an event");
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts);
}

const server = createServer(async (request, response) => {
  try {
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    );
    const event = webhook.verify(await bodyOf(request), headers) as Partial<RollcallEvent>;
    if (event.id && !done.has(event.id)) {
      console.log(event.type, event.object?.id ?? "");
      done.add(event.id);
    }
    // Only now: what is answered otherwise is sent again.
    response.writeHead(204).end();
  } catch (error) {
    console.log(`refused: ${error}`);
    response.writeHead(401).end();
  }
});
server.listen(Number(process.argv[2]), "127.0.0.1");
