// Who may log in, and what programs show: an administrator adds a person and a token, and the person meets the page as
// far as the role goes.

import { assert, box, check, claim, everywhere, finish, forgive, open, shoot } from "./lib.mjs";

const { browser, context, page } = await open();
const submit = (press) => Promise.all([page.waitForNavigation(), press]);
const done = () => page.textContent(".done");
let password = "";
let token = "";

await check("the one who claimed the box is its administrator and finds the page in the bar", async () => {
  await claim(page);
  await page.click(".ways a[href='/people']");
  await page.waitForURL(`${box}/people`);
  assert.match(await page.textContent("main"), /You are hoa, administrator/);
});

await check("somebody who is added gets a password that is shown once", async () => {
  const form = page.locator("form", { has: page.locator("#add-title") });
  await form.locator("input[name=name]").fill("mona <b>");
  await form.locator("select").selectOption("technician");
  await submit(form.locator("button").click());
  assert.match(await done(), /mona <b> may log in now/);
  password = await page.textContent(".secret output");
  assert.match(password, /^[0-9a-z]{4}(-[0-9a-z]{4}){3}$/);
  await shoot(page, "people-added");
  await page.goto(`${box}/people`);
  assert.ok(!(await page.content()).includes(password));
});

await check("a token is made, works, is shown once, and is revoked", async () => {
  const form = page.locator("form", { has: page.locator("#token-title") });
  await form.locator("input[name=name]").fill("crm");
  await form.locator("select").selectOption("90");
  await submit(form.locator("button").click());
  assert.match(await page.textContent(".mistake"), /at least one/);
  forgive(/422/);
  assert.equal(await form.locator("select").inputValue(), "90", "what was chosen stays");
  await page.check("input[name='cdr:read']");
  await page.check("input[name='cdr:ack']");
  await submit(form.locator("button").click());
  token = await page.textContent(".secret output");
  const status = async () => (await fetch(`${box}/api/v1/cdrs`, { headers: { Authorization: `Bearer ${token}` } })).status;
  assert.equal(await status(), 200);
  await shoot(page, "people-token");
  const row = page.locator("tr", { hasText: "crm" });
  await row.locator("summary").click();
  await submit(row.locator("button").click());
  assert.match(await done(), /The token crm is revoked/);
  assert.equal(await status(), 401);
});

await check("another role counts at once; the last administrator stays one", async () => {
  const row = page.locator("tr", { hasText: "mona <b>" }).first();
  await row.locator("select").selectOption("viewer");
  await submit(row.locator("button", { hasText: "Save" }).click());
  assert.match(await done(), /mona <b>: viewer/);
  const own = page.locator("tr", { hasText: "hoa" }).first();
  await own.locator("select").selectOption("viewer");
  await submit(own.locator("button", { hasText: "Save" }).click());
  assert.match(await page.textContent(".mistake"), /has to be an administrator/);
  forgive(/409/);
});

await check("the person logs in, sees the own account alone, and chooses another password", async () => {
  const other = await browser.newContext();
  const theirs = await other.newPage();
  await theirs.goto(`${box}/login`);
  await theirs.fill("#name", "mona <b>");
  await theirs.fill("#password", password);
  await Promise.all([theirs.waitForURL(`${box}/`), theirs.click("button.main")]);
  assert.equal(await theirs.locator(".ways a[href='/people']").count(), 0);
  await theirs.click(".who a");
  await theirs.waitForURL(`${box}/people`);
  assert.equal(await theirs.locator("#people-title, #tokens-title").count(), 0);
  await theirs.fill("input[name=old]", password);
  await theirs.fill("input[name=new]", "another long password");
  await Promise.all([theirs.waitForNavigation(), theirs.click("form[action='/people/me'] button")]);
  assert.match(await theirs.textContent(".done"), /another password/);
  // The administrator sends them out again.
  await page.goto(`${box}/people`);
  const session = page.locator("section", { has: page.locator("#sessions-title") }).locator("tr", { hasText: "mona <b>" });
  await submit(session.locator("button").click());
  assert.match(await done(), /session has ended/);
  await theirs.goto(`${box}/people`);
  assert.equal(new URL(theirs.url()).pathname, "/login");
  await other.close();
});

await check("somebody is removed after being asked twice", async () => {
  await page.goto(`${box}/people`);
  const row = page.locator("tr", { hasText: "mona <b>" }).first();
  await row.locator("summary").first().click();
  await row.locator("summary.risky").click();
  await shoot(page, "people-remove");
  await submit(row.locator("button", { hasText: "Yes, remove" }).click());
  assert.match(await done(), /mona <b> was removed/);
});

await everywhere(page, "/people", "people");
await context.close();
await finish(browser);
