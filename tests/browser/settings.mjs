// The configuration is changed from the page: mistakes at their lines, what a change does, applied, kept, taken back.

import { assert, box, check, claim, everywhere, finish, forgive, NARROW, open, shoot, WIDE } from "./lib.mjs";

const { browser, page } = await open();
const toast = (text) => page.waitForFunction((wanted) => document.querySelector(".toast")?.textContent.includes(wanted), text);
const text = () => page.inputValue("#text");
const write = async (alter) => page.fill("#text", alter(await text()));
const verdict = (wanted) => page.waitForFunction((wanted) => document.querySelector("#verdict").textContent.includes(wanted), wanted);

await check("the bar leads to the settings, and no secret is shown", async () => {
  await claim(page);
  await page.click(".ways a[href='/settings']");
  await page.waitForURL(`${box}/settings`);
  assert.match(await text(), /\(kept secret [0-9a-f]{8}\)/);
  assert.doesNotMatch(await text(), /secret-1001|whsec_/);
  await verdict("No mistakes");
  await shoot(page, "settings");
});

await check("a mistake is marked at its line while it is typed, with its cure", async () => {
  await write((before) => before.replace("name = \"sales\"", "name = \"sales\"\nring_second = 20"));
  await verdict("Mistakes: 1");
  const told = await page.textContent("#faults li");
  assert.match(told, /group\.sales\.ring_second: .* — did you mean `ring_seconds`\?/);
  const line = Number((await page.textContent("#faults li button")).replace(/\D/g, ""));
  assert.equal((await text()).split("\n")[line - 1], "ring_second = 20");
  assert.equal((await page.textContent("#lines .wrong")).trim(), String(line));
  await page.click("#faults li button");
  const chosen = await page.evaluate(() => { const t = document.getElementById("text"); return t.value.slice(t.selectionStart, t.selectionEnd); });
  assert.equal(chosen, "ring_second = 20");
  await shoot(page, "settings-mistake");
  await page.click("#diff");
  await verdict("Mistakes: 1");
  assert.equal(await page.isVisible("#apply"), false, "what has mistakes cannot be applied");
});

await check("what it changes is told, then it is applied and kept, by keyboard", async () => {
  await write((before) => before.replace("ring_second = 20", "ring_seconds = 25") + "\n[[agent]]\nid = \"mona\"\nextension = \"1002\"\npassword = \"new-secret-1\"\ngroups = [\"sales\"]\n");
  await verdict("No mistakes");
  await page.focus("#diff");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#apply", { state: "visible" });
  const told = await page.$$eval("#list li", (items) => items.map((item) => item.textContent));
  assert.equal(told.length, 2, told.join("\n"));
  assert.match(told[0], /added agent mona/);
  assert.match(told[1], /changed group sales.*ring_seconds: – → 25/);
  await shoot(page, "settings-changes");
  await page.fill("#apply input[name=reason]", "a second desk");
  await page.focus("#apply button");
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  await toast("Version 2 is in use.");
  await page.waitForFunction(() => /taken back in \d+ s/.test(document.querySelector("#trial-words").textContent));
  await shoot(page, "settings-trial");
  await Promise.all([page.waitForNavigation(), page.click("#trial [data-act=confirm]")]);
  await toast("The change stays.");
  assert.equal(await page.isVisible("#trial"), false);
  const status = await (await page.request.get(`${box}/api/v1/status`)).json();
  assert.ok(status.agents.some((agent) => agent.id === "mona"), "the engine has her");
});

await check("a change is taken back at once, and an earlier version is one click away", async () => {
  await write((before) => before.replace("ring_seconds = 25", "ring_seconds = 26"));
  await page.click("#diff");
  await page.waitForSelector("#apply", { state: "visible" });
  await Promise.all([page.waitForNavigation(), page.click("#apply button")]);
  await toast("Version 3 is in use.");
  await page.click("#trial [data-act=back]");
  await Promise.all([page.waitForNavigation(), page.click("#trial [data-act=back]")]);
  await toast("Version 4 is in use.");
  assert.match(await text(), /ring_seconds = 25/);
  await page.click("[data-act=return][data-version='1']");
  assert.match(await page.textContent("[data-act=return][data-version='1']"), /Sure/);
  await Promise.all([page.waitForNavigation(), page.click("[data-act=return][data-version='1']")]);
  await toast("Version 5 is in use.");
  assert.doesNotMatch(await text(), /ring_seconds|mona/);
  const first = await page.textContent("table.list tbody tr");
  assert.match(first, /-agent mona/);
  await shoot(page, "settings-history");
});

await check("a program is not named from here, and the page says so", async () => {
  await write((before) => `${before}\n[transcription]\ncommand = ["/bin/sh", "{file}"]\n`);
  await page.click("#diff");
  await page.waitForSelector("#apply", { state: "visible" });
  await page.click("#apply button");
  await toast("transcription.command");
  forgive(/403/);
  await page.goto(`${box}/settings`);
});

await check("a call is played through by the text as it stands, also before it is applied", async () => {
  await write((before) => `${before}\n[[number]]\nmatch = "1000"\ngroup = "sales"\n`);
  await page.fill("#call input[name=to]", "1000");
  await page.fill("#call input[name=at]", "2026-11-20T20:10");
  await page.fill("#call input[name=answer]", "ali");
  await page.click("#call button");
  await page.waitForSelector("#ladder li");
  assert.match(await page.textContent("#ladder"), /rings ali at 1001/);
  assert.match(await page.textContent("#ladder"), /connects the caller with ali/);
  await shoot(page, "settings-call");
  await page.setViewportSize(NARROW);
  await shoot(page, "settings-call-narrow");
  await page.setViewportSize(WIDE);
});

await everywhere(page, "/settings", "settings", async () => {
  await page.waitForFunction(() => document.querySelector("#verdict").dataset.state === "ok");
});
await finish(browser);
