// Phones and agents: who is registered and how well, a break, an agent made, the sheet for the phone, letting in.

import { assert, box, check, claim, everywhere, finish, forgive, look, open, shoot, LANGUAGES, NARROW, WIDE, speak } from "./lib.mjs";

const { browser, page } = await open();
const row = (name) => page.locator("#agents tbody tr", { hasText: name });

await check("the bar leads to the phones, and each is shown with its model, round trip and network", async () => {
  await claim(page);
  await page.click(".ways a[href='/phones']");
  await page.waitForURL(`${box}/phones`);
  const phone = page.locator("[data-list=phones] tr").first();
  await phone.locator("text=baresip").waitFor();
  await page.waitForFunction(() => / ms$/.test(document.querySelector("[data-list=phones] .badge").textContent));
  assert.match(await phone.textContent(), /Reached directly/);
});

await check("an agent goes on a break and comes back, without a reload", async () => {
  await page.evaluate(() => { window.same = true; });
  await row("Ali").locator("button", { hasText: "Break" }).click();
  await row("Ali").locator("text=On a break").waitFor();
  await row("Ali").locator("button", { hasText: "Back to work" }).click();
  await row("Ali").locator("text=Available").waitFor();
  assert.equal(await page.evaluate(() => window.same), true);
});

await check("what a phone calls itself is text, whatever it looks like", async () => {
  await page.waitForSelector("bdi:text-is('<img src=x onerror=alert(1)>')");
  assert.equal(await page.locator("#now img, #now script").count(), 0);
});

await check("an address that guessed passwords is let in again after a second press", async () => {
  const ban = page.locator("[data-list=bans] li");
  await ban.locator("button").click();
  assert.match(await ban.locator("button").textContent(), /Really/);
  await ban.locator("button").click();
  await page.waitForFunction(() => document.querySelectorAll("[data-list=bans] li").length === 0);
  await page.waitForSelector("text=No address is shut out.");
});

let sheet = "";
await check("a new agent gets a password, shown once on a sheet that can be printed", async () => {
  await page.click("text=New agent");
  await page.fill("input[name=id]", "omar");
  await page.fill("input[name=name]", "Omar");
  await page.fill("input[name=extension]", "1001");
  await page.check("input[name=group][value=sales]");
  const refused = page.waitForResponse((response) => response.status() === 422);
  await page.click(".acts .solid");
  await refused;
  assert.match(await page.textContent(".mistake"), /Extension.*taken already, by ali/);
  assert.equal(await page.inputValue("input[name=name]"), "Omar");
  await page.fill("input[name=extension]", "1003");
  await page.click(".acts .solid");
  await page.waitForSelector("#sheet-password");
  forgive(/422/);
  sheet = await page.textContent("#sheet-password");
  assert.match(sheet, /^[a-z2-9]{12}$/);
  assert.ok(await page.locator("#qr-linphone path").count());
  await page.evaluate(() => { window.printed = 0; window.print = () => { window.printed += 1; }; });
  await page.click("[data-print]");
  assert.equal(await page.evaluate(() => window.printed), 1);
  await look(page, "sheet-once");
  await page.emulateMedia({ media: "print" });
  await shoot(page, "sheet-printed");
  await page.emulateMedia({ media: "screen" });
});

await check("the sheet shows no password again, and a new one is asked about first", async () => {
  await page.goto(`${box}/phones/agents/omar/sheet`);
  assert.equal(await page.locator("#sheet-password").count(), 0);
  const renew = page.locator("button", { hasText: "Make a new password" });
  await renew.click();
  assert.match(await page.textContent("form.off-paper button"), /Sure/);
  await page.click("form.off-paper button");
  await page.waitForSelector("#sheet-password");
  assert.notEqual(await page.textContent("#sheet-password"), sheet);
});

await check("the place of the phone asks for what it needs, by keyboard too", async () => {
  await page.goto(`${box}/phones/agents/omar`);
  assert.equal(await page.locator(".of-contact").isVisible(), false);
  await page.locator("input[name=place][value=here]").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  assert.equal(await page.locator(".of-contact").isVisible(), true);
  assert.equal(await page.locator("select[name=trunk]").isVisible(), false);
});

await check("an agent is changed, and removed after a second press", async () => {
  await page.goto(`${box}/phones/agents/omar`);
  await page.fill("input[name=name]", "Omar at the door");
  await page.click(".acts .solid");
  await page.waitForURL(`${box}/phones`);
  await row("Omar at the door").locator("a", { hasText: "Edit" }).click();
  await page.click(".acts .risky");
  assert.match(await page.textContent(".acts .risky"), /Really/);
  await page.click(".acts .risky");
  await page.waitForURL(`${box}/phones`);
  assert.equal(await row("Omar").count(), 0);
});

await check("without a script an agent is made too", async () => {
  const bare = await browser.newContext({ javaScriptEnabled: false, storageState: await page.context().storageState() });
  const quiet = await bare.newPage();
  await quiet.goto(`${box}/phones/agents/new`);
  await quiet.fill("input[name=id]", "mona");
  await quiet.fill("input[name=extension]", "1002");
  await quiet.click(".acts .solid");
  assert.match(await quiet.textContent("#sheet-password"), /^[a-z2-9]{12}$/);
  await bare.close();
});

// The sheet with its password can be had once only: it is made anew in each language and width.
for (const language of LANGUAGES) {
  await page.setViewportSize(WIDE);
  await page.goto(`${box}/phones`);
  await speak(page, language);
  for (const [width, size] of [["wide", WIDE], ["narrow", NARROW]]) {
    await page.setViewportSize(size);
    await page.goto(`${box}/phones/agents/mona/sheet`);
    await page.click("form.off-paper button");
    await page.click("form.off-paper button");
    await page.waitForSelector("#sheet-password");
    await look(page, `sheet-${language}-${width}`);
  }
}
await page.setViewportSize(WIDE);
await page.goto(`${box}/phones`);
await speak(page, "en");

await everywhere(page, "/phones", "phones");
await everywhere(page, "/phones/agents/new", "agent-new", async () => { await page.click("summary"); });
await everywhere(page, "/phones/agents/ali", "agent-of-file");
await finish(browser);
