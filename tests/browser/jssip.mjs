// A telephone in a browser: JsSIP over WebSocket, at the path /sip of the box's own page.
//
// Its media wants DTLS and ICE, which the box does not speak yet: as it is, its offer is refused. For the call that
// stands, what the browser offers is put aside and a plain offer goes to the box; a second peer connection in the page
// answers for the box, so that the browser believes its own call.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import assert from "node:assert/strict";

const require = createRequire(`${process.env.PLAYWRIGHT}/`);
const { chromium } = require("playwright-core");
const box = process.env.BOX;

// One text of a library and all it requires, as browsers want it.
function bundle(entry) {
  const modules = {};
  const take = (file) => {
    if (modules[file] !== undefined) return file;
    const text = file.endsWith(".json") ? `module.exports = ${readFileSync(file)}` : readFileSync(file, "utf8");
    modules[file] = "";
    const from = createRequire(file);
    const named = text.replace(/require\(['"]([^'"]+)['"]\)/g, (whole, name) => {
      // In browsers debug has a file of its own, and events is no part of the engine.
      const wanted = name === "debug" ? "debug/src/browser.js" : name === "events" ? "events/events.js" : name;
      try {
        return `require(${JSON.stringify(take(from.resolve(wanted)))})`;
      } catch {
        return whole;
      }
    });
    modules[file] = named;
    return file;
  };
  const first = take(require.resolve(entry));
  const bodies = Object.entries(modules).map(([file, text]) =>
    `${JSON.stringify(file)}: function (module, exports, require, process) {\n${text}\n}`);
  return `(() => { const all = {${bodies.join(",")}}; const done = {};
    const require = (name) => {
      if (done[name]) return done[name].exports;
      const module = (done[name] = { exports: {} });
      all[name].call(module.exports, module, module.exports, require, { env: {} });
      return module.exports;
    };
    window.JsSIP = require(${JSON.stringify(first)}); })()`;
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    `--unsafely-treat-insecure-origin-as-secure=${box}`],
});
try {
  const page = await (await browser.newContext()).newPage();
  page.on("console", (message) => console.log("browser:", message.text()));
  page.on("pageerror", (error) => console.log("browser:", String(error)));
  await page.goto(`${box}/login`);
  await page.evaluate(bundle("jssip"));

  // What the script asks of the page; each answers once it has happened.
  await page.evaluate(({ box, plain }) => {
    const within = (what, promise) => Promise.race([promise, new Promise((_, fail) =>
      setTimeout(() => fail(new Error(`it never happened that ${what}`)), 15000))]);
    const once = (source, name) => new Promise((done) => source.once(name, done));
    const phones = {};
    let offers = 0;
    window.phone = {
      register: (user, password) => within(`${user} is registered`, new Promise((done, fail) => {
        const socket = new JsSIP.WebSocketInterface(`${box.replace("http", "ws")}/sip`);
        const agent = new JsSIP.UA({ sockets: [socket], uri: `sip:${user}@callpost`, password,
          session_timers: false, register_expires: 120 });
        phones[user] = agent;
        agent.heard = [];
        agent.on("newMessage", ({ originator, request }) => originator === "remote" && agent.heard.push(request.body));
        agent.on("registered", () => done(true));
        agent.on("registrationFailed", ({ cause, response }) => fail(new Error(`${cause} ${response?.status_code}`)));
        agent.start();
      })),
      unregister: (user) => {
        const gone = once(phones[user], "unregistered");
        phones[user].unregister({ all: true });
        return within(`${user} is unregistered`, gone.then(() => phones[user].stop()));
      },
      ask: (user, how, target, body) => within(`${how} is answered`, new Promise((done) => {
        const eventHandlers = { succeeded: ({ response }) => done(response.status_code),
          failed: ({ cause, response }) => done(response?.status_code ?? cause) };
        phones[user][how](target, body, { eventHandlers });
      })),
      heard: (user, text) => within(`${user} hears ${text}`, (async () => {
        while (!phones[user].heard.includes(text)) await new Promise((done) => setTimeout(done, 20));
        return true;
      })()),
      // Lamps and lists: what the box tells of somebody, from now on.
      watch: (user, target, event, accept) => within(`${event} of ${target} is told`, new Promise((done, fail) => {
        const watching = phones[user].subscribe(`sip:${target}@callpost`, event, accept, { expires: 600 });
        watching.told = [];
        (phones[user].watches ??= {})[event] = watching;
        watching.on("notify", (isFinal, request, body) => { watching.told.push(body ?? ""); done(watching.told[0]); });
        watching.on("terminated", (code, reason) => fail(new Error(`ended: ${code} ${reason}`)));
        watching.subscribe();
      })),
      told: (user, event, text) => within(`${event} tells ${text}`, (async () => {
        const { told } = phones[user].watches[event];
        while (!told.some((body) => body.includes(text))) await new Promise((done) => setTimeout(done, 20));
        return told.at(-1);
      })()),
      // The last word is that there is no call.
      isDark: (user, event) => within("the lamp goes out", (async () => {
        const { told } = phones[user].watches[event];
        while (told.at(-1).includes("<state>")) await new Promise((done) => setTimeout(done, 20));
        return true;
      })()),
      unwatch: (user, event) => {
        const watching = phones[user].watches[event];
        const over = once(watching, "terminated");
        watching.terminate();
        return within(`${event} is told no more`, over.then(() => true));
      },
      // As the browser offers it: DTLS and ICE.
      offerAsItIs: (user, number) => within("the offer is judged", new Promise((done) => {
        const session = phones[user].call(`sip:${number}@callpost`, { mediaConstraints: { audio: true, video: false } });
        session.on("failed", ({ message, cause }) => done({ status: message?.status_code, cause }));
        session.on("accepted", () => done({ status: 200 }));
      })),
      call: (user, number) => {
                const session = phones[user].call(`sip:${number}@callpost`, { mediaConstraints: { audio: true, video: false } });
        session.on("sdp", (event) => {
          if (event.originator === "local") {
            const double = new RTCPeerConnection();
            double.setRemoteDescription({ type: "offer", sdp: event.sdp })
              .then(() => double.createAnswer()).then((made) => double.setLocalDescription(made)
                .then(() => { session.double = made.sdp; console.log(`offered ${++offers}`); }));
            event.sdp = plain;
          } else {
            session.said = event.sdp;
            event.sdp = session.double;
          }
        });
        phones[user].session = session;
        session.over = once(session, "ended").then(({ originator }) => originator);
        const up = once(session, "confirmed");
        const failed = once(session, "failed").then(({ cause }) => { throw new Error(`the call failed: ${cause}`); });
        return within("the call stands", Promise.race([up, failed]).then(() => session.said));
      },
      hangUp: (user) => {
        phones[user].session.terminate();
        return within("the call is over", phones[user].session.over);
      },
      untilHungUp: (user) => within("the other side hangs up", phones[user].session.over),
      refuseNext: (user) => within("somebody calls", new Promise((done) => {
        phones[user].once("newRTCSession", ({ originator, session, request }) => {
          if (originator === "local") return;
          // It rings until the neighbour's lamp blinks.
          window.phone.told("1001", "dialog", "<state>early</state>").then(() => {
            session.terminate({ status_code: 486 });
            done(request.from.uri.user);
          });
        });
      })),
    };
  }, { box, plain: process.env.PLAIN.replaceAll("\\n", "\r\n") });
  const ask = (name, ...more) => page.evaluate(([name, more]) => window.phone[name](...more), [name, more]);

  await ask("register", "1001", process.env.PASSWORD1);
  await ask("register", "1002", process.env.PASSWORD2);
  console.log("registered");
  assert.equal(await ask("ask", "1001", "sendOptions", "sip:callpost", ""), 200);
  console.log("asked what the box can do");
  if (process.env.RELAYS) {
    assert.equal(await ask("ask", "1001", "sendMessage", "sip:1002@callpost", "are you there?"), 200);
    assert.ok(await ask("heard", "1002", "are you there?"));
    console.log("written to the neighbour");
  }
  // RFC 4235, RFC 3680, RFC 3842: the neighbour's lamp, one's own phones, one's own messages.
  assert.match(await ask("watch", "1001", "1002", "dialog", "application/dialog-info+xml"), /<dialog-info/);
  assert.match(await ask("watch", "1001", "1001", "reg", "application/reginfo+xml"), /state="active"/);
  const messages = await ask("watch", "1001", "1001", "message-summary", "application/simple-message-summary");
  assert.match(messages, /Messages-Waiting: no/);
  console.log("watching");
  assert.equal((await ask("offerAsItIs", "1001", "8001")).status, 488);
  console.log("refused as it is");

  const said = await ask("call", "1001", "8001");
  assert.match(said, /m=audio \d+ RTP\/AVP/);
  console.log("talking");
  assert.equal(await ask("hangUp", "1001"), "local");
  console.log("hung up");
  await ask("call", "1001", "8001");
  console.log("talking again");
  assert.equal(await ask("untilHungUp", "1001"), "remote");
  console.log("was hung up on");

  const refused = ask("refuseNext", "1002");
  console.log("waiting for a call");
  assert.equal(await refused, "+966501234567");
  console.log("refused a call");
  await ask("isDark", "1001", "dialog");
  for (const event of ["dialog", "reg", "message-summary"]) await ask("unwatch", "1001", event);
  console.log("watched");
  await ask("unregister", "1001");
  await ask("unregister", "1002");
  console.log("gone");
} finally {
  await browser.close();
}
