// receiver.mjs SECRET FOLDER: takes webhooks on loopback and verifies each with the published `standardwebhooks`
// library, which is installed in FOLDER/node_modules.
//
// Says its port, then a line a delivery: `ok ID RECORDS` or `refused ID REASON`.
import { createServer } from "node:http";
import { createRequire } from "node:module";

const [secret, folder] = process.argv.slice(2);
const { Webhook } = createRequire(`${folder}/`)("standardwebhooks");
const webhook = new Webhook(secret);

const server = createServer(async (request, response) => {
  let body = "";
  request.setEncoding("utf8");
  for await (const piece of request) body += piece;
  const name = request.headers["webhook-id"];
  try {
    const { data } = webhook.verify(body, request.headers);
    console.log(`ok ${name} ${Array.isArray(data) ? data.length : 1}`);
    response.writeHead(204).end();
  } catch (refusal) {
    console.log(`refused ${name} ${refusal.message}`);
    response.writeHead(401).end();
  }
});
server.listen(0, "127.0.0.1", () => console.log(`port ${server.address().port}`));
