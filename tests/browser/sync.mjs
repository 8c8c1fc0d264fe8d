// A PBX beside the box: set up, tested, synced by hand and by schedule; what people see of it.

import { assert, box, check, claim, everywhere, finish, forgive, look, open, shoot } from "./lib.mjs";

const { browser, page } = await open();
const toast = (text) => page.waitForFunction((wanted) => document.querySelector(".toast")?.textContent.includes(wanted), text);
const card = (key) => page.textContent(`#card-${key} b`);

await check("at the first look there is a sample, not enabled, and the page says why nothing comes", async () => {
  await claim(page);
  await page.goto(`${box}/calls/sync`);
  assert.match(await page.textContent(".source"), /Not enabled/);
  assert.match(await page.textContent(".causes"), /enable it under Configure/);
  assert.equal(await card("total"), "0");
  assert.equal(await card("mode"), "Manual");
  assert.equal(await card("last"), "Never");
  assert.equal(await card("batch"), "200");
});

await check("the dialog explains a schedule while it is typed, right or wrong", async () => {
  await page.click("#configure");
  assert.equal(await page.inputValue("#dialog-config input[name=days_back]"), "30");
  assert.equal(await page.inputValue("#dialog-config input[name=batch_size]"), "200");
  const cron = page.locator("#dialog-config input[name=cron_expression]");
  await cron.fill("0 */5 * * * *");
  await page.waitForFunction(() => /5 minutes/.test(document.getElementById("config-words").textContent));
  assert.equal(await page.locator("#config-words li").count(), 5);
  await cron.fill("now and then");
  await page.waitForFunction(() => document.getElementById("config-words").dataset.state === "bad");
  await cron.fill("0 0 9 * * 1");
  await page.waitForFunction(() => /Monday/.test(document.getElementById("config-words").textContent));
});

await check("a mistake keeps the dialog open and says what is wrong", async () => {
  await page.fill("#dialog-config input[name=api_url]", `ftp://${process.env.PBX}/api/v2/cdrs`);
  await page.check("#dialog-config input[name=is_active]");
  await page.click("#dialog-config .solid");
  await page.waitForSelector("#dialog-config .mistake");
  assert.ok(await page.locator("#dialog-config").evaluate((dialog) => dialog.matches(":modal")));
  assert.equal(await page.inputValue("#dialog-config input[name=cron_expression]"), "0 0 9 * * 1");
  await shoot(page, "sync-dialog-mistake");
  forgive(/422/);
});

await check("the settings are saved, and the key never comes back", async () => {
  await page.fill("#dialog-config input[name=api_url]", `http://${process.env.PBX}/api/v2/cdrs`);
  await page.fill("#dialog-config input[name=domain]", "tazaspa102019");
  await page.fill("#dialog-config input[name=api_key]", "a-secret-of-the-pbx");
  await page.check("#dialog-config input[name=allow_http]");
  await page.fill("#dialog-config input[name=batch_size]", "150");
  await page.click("#dialog-config .solid");
  await toast("is saved");
  assert.match(await page.textContent(".source"), /Enabled/);
  assert.equal(await card("batch"), "150");
  assert.ok(!(await page.content()).includes("a-secret-of-the-pbx"));
});

await check("the test goes the way step by step", async () => {
  await page.click("#test-source");
  await toast("Every step of the test went well");
  assert.equal(await page.locator(".steps li").count(), 5);
  await shoot(page, "sync-steps");
});

await check("sync now shows a loader and its progress, then a toast with the result", async () => {
  await page.click("#sync-now");
  await page.waitForSelector(".spinner");
  assert.ok(await page.locator("#sync-now").isDisabled());
  await shoot(page, "sync-running");
  await toast("450 new, 0 updated, 0 skipped");
  assert.equal(await page.locator(".spinner").count(), 0);
  assert.equal(await card("total"), "450");
});

await check("the log shows type, status, range, counts, duration and start", async () => {
  const row = await page.locator("#logs tbody tr").first().innerText();
  for (const word of ["Manual", "Success", "450"]) assert.ok(row.includes(word), `${word} is not in ${row}`);
});

await check("the calls of the PBX are in the list, with their origin", async () => {
  await page.goto(`${box}/calls?origin=pbx`);
  assert.match(await page.textContent(".tally"), /of 450 calls/);
  await page.goto(`${box}/calls?number=0336600007&match=exact`);
  assert.equal(await page.locator("#records tbody tr").count(), 1);
});

await check("a second sync finds nothing new, and says so", async () => {
  await page.goto(`${box}/calls/sync`);
  await page.click("#sync-now");
  await page.waitForSelector(".spinner");
  await page.waitForFunction(() => document.querySelector(".toast")?.textContent.includes(" 0 new"));
  assert.match(await page.textContent(".causes"), /here already/);
});

await check("GraphQL syncs too, waits for the result, and a second start is told that one is running", async () => {
  const ask = async (query) => {
    const answer = await page.request.post(`${box}/graphql`, { data: { query }, headers: { Origin: box } });
    return (await answer.json()).data;
  };
  const sync = "mutation { syncCallCenterData { success message recordsCreated recordsUpdated } }";
  const first = ask(sync);
  await page.waitForTimeout(150);
  const second = (await ask(sync)).syncCallCenterData;
  assert.equal(second.success, false);
  assert.match(second.message, /already running/);
  assert.deepEqual((await first).syncCallCenterData, { success: true, message: "450 records fetched.", recordsCreated: 0, recordsUpdated: 450 });
  const { getCallCenterSyncLogs } = await ask("{ getCallCenterSyncLogs(pagination: { page: 1, limit: 2 }) { status recordsUpdated } }");
  assert.deepEqual(getCallCenterSyncLogs[0], { status: "success", recordsUpdated: 450 });
});

await check("the mode is switched to a schedule and the page tells the next run", async () => {
  await page.click("#configure");
  await page.check("#dialog-config input[value=SCHEDULED]");
  await page.fill("#dialog-config input[name=cron_expression]", "0 0 3 * * *");
  await page.click("#dialog-config .solid");
  await toast("is saved");
  assert.equal(await card("mode"), "Scheduled");
  assert.match(await page.textContent(".source"), /next 20\d\d-/);
});

await check("a PBX that does not answer is named by its failing step", async () => {
  await page.click("#add-source");
  await page.fill("#dialog-new input[name=name]", "gone");
  await page.fill("#dialog-new input[name=api_url]", `http://${process.env.PBX.replace(":8080", ":1")}/api/v2/cdrs`);
  await page.check("#dialog-new input[name=allow_http]");
  await page.check("#dialog-new input[name=is_active]");
  await page.click("#dialog-new .solid");
  await toast("is saved");
  await page.click("#test-source");
  await toast("failed at the step TCP");
  await shoot(page, "sync-steps-failed");
});

await check("a sync that fails is told by toast, log and cause", async () => {
  await page.click("#configure");
  await page.fill("#dialog-config input[name=api_url]", `http://${process.env.PBX}/denied/cdrs`);
  await page.click("#dialog-config .solid");
  await toast("is saved");
  await page.click("#sync-now");
  await toast("The sync of gone failed");
  // The toast may come before the log's next look.
  await page.locator("#logs tbody tr").first().getByText("Error").waitFor();
  assert.ok((await page.textContent("#logs .said")).trim().length > 10);
  assert.match(await page.textContent(".causes"), /The last sync failed/);
});

await check("records that are no calls are counted on the page, with a way to them", async () => {
  await page.click("#configure");
  await page.fill("#dialog-config input[name=api_url]", `http://${process.env.PBX}/junk/cdrs`);
  await page.click("#dialog-config .solid");
  await toast("is saved");
  await page.click("#sync-now");
  await toast("0 new, 0 updated, 3 skipped");
  assert.match(await page.textContent("#quarantine"), /Records in quarantine: 3/);
  await page.click("#quarantine");
  await page.waitForURL(/calls\/quarantine/);
  assert.equal(await page.locator("#rows tbody tr").count(), 3);
  assert.match(await page.textContent("#rows"), /`start_epoch` is no number/);
});
const quarantine = new URL(page.url());

await check("what the PBX sent unfolds, and is text whatever it was", async () => {
  await page.locator("#rows summary").first().focus();
  await page.keyboard.press("Enter");
  assert.ok(await page.locator("#rows details[open] pre").isVisible());
  assert.match(await page.textContent("#rows"), /onerror=alert/);
  assert.equal(await page.locator("#rows img").count(), 0);
});

const said = {
  en: [/Still not readable: 3,/, /Delete this record\?/],
  ar: [/غير مقروءة: 3/, /حذف هذا السجل؟/],
  vi: [/chưa đọc được: 3/, /Xóa bản ghi này\?/],
};
for (const language of ["ar", "vi", "en"]) {
  await check(`tried again they stay, and a deletion asks first (${language})`, async () => {
    await page.goto(box + "/graphql");
    await page.click(`.tongues button[value=${language}]`);
    await page.waitForSelector(`html[lang=${language}]`);
    await page.goto(box + quarantine.pathname + quarantine.search);
    await page.locator("#retry-all").focus();
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.querySelector(".toast"));
    assert.match(await page.textContent(".toast"), said[language][0]);
    const remove = page.locator("#rows .row-acts .risky").first();
    await remove.click();
    assert.match(await remove.textContent(), said[language][1]);
    assert.equal(await page.locator("#rows tbody tr").count(), 3, "nothing is gone after the first press");
  });
}
await everywhere(page, quarantine.pathname + quarantine.search, "quarantine", async () => { await page.locator("#rows summary").first().click(); });

await check("a row is deleted by the second press, and all of them by theirs", async () => {
  await page.goto(box + quarantine.pathname + quarantine.search);
  const remove = page.locator("#rows .row-acts .risky").first();
  await remove.click();
  await remove.click();
  await toast("Deleted: 1.");
  assert.equal(await page.locator("#rows tbody tr").count(), 2);
  await page.click("#discard-all");
  assert.match(await page.textContent("#discard-all"), /Delete all of them \(2\)\?/);
  await page.click("#discard-all");
  await toast("Deleted: 2.");
  assert.match(await page.textContent("#rows"), /Nothing is in quarantine/);
  await page.click("#back");
  await page.waitForURL(/calls\/sync/);
  assert.equal(await page.locator("#quarantine").count(), 0);
});

await check("it is switched off again, and removed after asking", async () => {
  await page.click("#configure");
  await page.uncheck("#dialog-config input[name=is_active]");
  await page.click("#dialog-config .solid");
  await toast("is saved");
  assert.match(await page.textContent(".source"), /Not enabled/);
  await page.click("#configure");
  await page.click("#dialog-config .risky");
  assert.match(await page.textContent("#dialog-config .risky"), /Remove gone\?/);
  await page.click("#dialog-config .risky");
  await toast("is removed");
});

await everywhere(page, "/calls/sync", "sync");
await everywhere(page, "/calls/sync?dialog=config", "sync-dialog");
await check("the labels are those people know", async () => {
  await page.goto(`${box}/calls/sync`);
  await page.click(".tongues button[value=vi]");
  await page.waitForSelector("html[lang=vi]");
  const text = await page.textContent("main");
  for (const label of ["Cấu hình", "Kích hoạt", "Sync Ngay", "Lưu"]) assert.ok(text.includes(label), label);
  await look(page, "sync-vi-labels");
});
await finish(browser);
