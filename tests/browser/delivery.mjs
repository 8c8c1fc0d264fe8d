// Where records go: what waits, that nothing is missing, trying now, sending again.

import { assert, box, check, claim, everywhere, finish, forgive, open, shoot } from "./lib.mjs";

const { browser, page } = await open();
const toast = (text) => page.waitForFunction((wanted) => document.querySelector(".toast")?.textContent.includes(wanted), text);
const figure = (key) => page.textContent(`#to-head-office [data-key=${key}] b`);

await check("while the destination is away the backlog and the trouble are shown, and nothing is missing", async () => {
  await claim(page);
  await page.click(".ways a[href='/delivery']");
  await page.waitForURL(`${box}/delivery`);
  assert.equal(await figure("backlog"), "32");
  assert.equal(await figure("delivered"), "0");
  assert.equal(await figure("gaps"), "0");
  assert.match(await page.textContent("#to-head-office"), /refused/);
  await shoot(page, "delivery-away");
});

await check("sending again is counted first and asked about, then done", async () => {
  await page.click("#to-head-office summary");
  await page.fill("#to-head-office input[name=from]", "2026-11-20T00:00");
  await page.fill("#to-head-office input[name=to]", "2026-11-21T23:59");
  await page.click("#to-head-office button[name=dry_run]");
  await toast("32 records would be sent again");
  assert.equal(await page.inputValue("#to-head-office input[name=from]"), "2026-11-20T00:00");
  await page.click("#to-head-office .inline .solid");
  assert.match(await page.textContent("#to-head-office .inline .solid"), /Sure/);
  await page.click("#to-head-office .inline .solid");
  await toast("records are sent again");
  await shoot(page, "delivery-replay");
});

await check("trying now tries now", async () => {
  await page.click("#to-head-office [data-post$='/retry']");
  await toast("is tried again now");
});

await check("a range that makes no sense is refused in words", async () => {
  await page.fill("#to-head-office input[name=from]", "2026-11-22T00:00");
  await page.fill("#to-head-office input[name=to]", "2026-11-20T00:00");
  await page.click("#to-head-office button[name=dry_run]");
  await toast("Not done");
  forgive(/400/);
});

await everywhere(page, "/delivery", "delivery", async () => { await page.click("summary"); });
await finish(browser);
