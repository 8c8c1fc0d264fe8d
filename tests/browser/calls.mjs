// The list of calls: looking, filtering, turning pages, playing, and what a caller with bad manners cannot do.

import { assert, box, check, claim, everywhere, finish, open, shoot } from "./lib.mjs";

const { browser, page } = await open();
const rows = () => page.locator("#records tbody tr");
const settled = async (action) => {
  const answer = page.waitForResponse((response) => response.url().includes("/calls"));
  await action();
  await answer;
  await page.waitForFunction(() => document.getElementById("journal").getAttribute("aria-busy") !== "true");
};

await check("the box is claimed and the bar leads to the calls", async () => {
  await claim(page);
  await page.click(".ways a[href='/calls']");
  await page.waitForURL(`${box}/calls`);
  assert.equal(await rows().count(), 25);
});

await check("next, a page's number and previous turn the pages without a reload", async () => {
  await page.evaluate(() => { window.same = true; });
  await settled(() => page.click(".turning a[rel=next]"));
  assert.equal(await rows().count(), 7);
  assert.ok(page.url().endsWith("page=2"));
  await settled(() => page.click(".turning li a:text-is('1')"));
  assert.equal(await rows().count(), 25);
  assert.equal(await page.evaluate(() => window.same), true);
  await page.goBack();
  await page.waitForFunction(() => document.querySelectorAll("#records tbody tr").length === 7);
});

await check("direction, status and number narrow the list, and clearing brings all back", async () => {
  await page.goto(`${box}/calls`);
  await page.selectOption("select[name=direction]", "inbound");
  await settled(() => page.click("#filters .solid"));
  assert.equal(await rows().count(), 12);
  await page.selectOption("select[name=status]", "BUSY");
  await settled(() => page.click("#filters .solid"));
  assert.equal(await rows().count(), 2);
  await settled(() => page.click("[data-clears]"));
  assert.equal(await rows().count(), 25);
  assert.equal(await page.inputValue("select[name=direction]"), "");
  await page.fill("input[name=number]", "0000 0007");
  await settled(() => page.press("input[name=number]", "Enter"));
  assert.equal(await rows().count(), 1);
  await page.selectOption("select[name=match]", "prefix");
  await settled(() => page.click("#filters .solid"));
  assert.equal(await rows().count(), 0);
  await page.waitForSelector("text=No call matches.");
  assert.equal(await page.evaluate(() => document.activeElement?.tagName !== "BODY"), true, "the focus is kept");
});

await check("the list is refreshed by its button, and shows that it is loading meanwhile", async () => {
  await page.goto(`${box}/calls`);
  await page.evaluate(() => {
    window.loading = 0;
    const list = document.getElementById("records");
    new MutationObserver(() => { if (list.getAttribute("aria-busy") === "true") window.loading += 1; }).observe(list, { attributes: true });
  });
  await settled(() => page.click("#refresh"));
  assert.ok(await page.evaluate(() => window.loading) > 0);
  assert.equal(await rows().count(), 25);
});

await check("a recording plays, can be sought by Range, listened to by side, and saved", async () => {
  await page.goto(`${box}/calls`);
  const ranged = page.waitForResponse((response) => response.url().includes("/api/v1/recordings/") && response.status() === 206);
  await page.locator("a.play").first().click();
  await ranged;
  await page.waitForFunction(() => document.getElementById("player").dataset.state === "playing");
  await page.waitForFunction(() => Number(document.getElementById("player-seek").max) > 5.9);
  await page.locator("#player-seek").fill("4");
  await page.locator("#player-seek").dispatchEvent("change");
  await page.waitForFunction(() => Number(document.getElementById("player-seek").value) >= 4);
  await page.locator("#player-sides label", { hasText: "Agent" }).click();
  await shoot(page, "calls-player");
  const saved = page.waitForEvent("download");
  await page.locator("a.save").first().click();
  assert.match((await saved).suggestedFilename(), /\.wav$/);
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("#player").isVisible(), false);
});

let own = "";
await check("the time of a call leads to its own page, and back", async () => {
  await page.goto(`${box}/calls`);
  await page.locator("#records a.when").first().click();
  await page.waitForURL(/\/calls\/[0-9a-f-]{36}$/);
  own = new URL(page.url()).pathname;
  assert.equal(await page.locator("dl.facts dd").count() >= 2, true);
  assert.equal(await page.locator("#ladder .empty").textContent(), "No SIP messages of this call are kept any more.");
  await page.click(".head a[href='/calls']");
  await page.waitForURL(`${box}/calls`);
});

await check("what a caller sent is text, whatever it looks like", async () => {
  await page.goto(`${box}/calls`);
  await page.waitForSelector("bdi:text-is('<img src=x onerror=alert(1)>')");
  assert.equal(await page.locator("#records img, #records script").count(), 0);
});

await check("everything is reached by keyboard alone", async () => {
  await page.goto(`${box}/calls`);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "records");
  await page.locator("a.play").first().focus();
  await page.keyboard.press("Space");
  await page.waitForFunction(() => document.getElementById("player").dataset.state === "playing");
  await page.keyboard.press("Escape");
});

await check("without a script the list, the filter and the pages work too", async () => {
  const bare = await browser.newContext({ javaScriptEnabled: false, storageState: await page.context().storageState() });
  const quiet = await bare.newPage();
  await quiet.goto(`${box}/calls`);
  await quiet.selectOption("select[name=direction]", "outbound");
  await quiet.click("#filters .solid");
  assert.equal(await quiet.locator("#records tbody tr").count(), 10);
  await quiet.goto(`${box}/admin/callcenter`);
  await quiet.click(".turning a[rel=next]");
  assert.equal(await quiet.locator("#records tbody tr").count(), 7);
  await bare.close();
});

await check("the GraphQL page answers the question that stands there", async () => {
  await page.goto(`${box}/graphql`);
  await page.click("#ask .solid");
  await page.waitForFunction(() => document.getElementById("answer").textContent.includes("totalItems"));
  assert.match(await page.textContent("#answer"), /"totalItems": 32/);
});

await everywhere(page, "/calls", "calls");
await everywhere(page, own, "call");
await everywhere(page, "/graphql", "graphql");
await everywhere(page, "/", "now");
await finish(browser);
