// Destinations in trouble, mended from the page: one that says it is gone, one that shows another key, one that refuses
// records. Every button is pressed in every language, by mouse and by keyboard.

import { assert, box, check, claim, everywhere, finish, LANGUAGES, open, shoot, speak } from "./lib.mjs";

const { browser, page } = await open();
const receivers = `http://${process.env.RECEIVERS}`;
const api = (path, data = {}) => page.request.post(`${box}/api/v1/upstreams/${path}`, { data, headers: { Origin: box } });
const status = async () => (await page.request.get(`${box}/api/v1/status`)).json();

// Looks again until the box says so; the browser's own patience ends it.
async function until(is_so) {
  for (let turn = 0; turn < 200; turn += 1) {
    if (is_so(await status())) return;
    await page.waitForTimeout(100);
  }
  throw new Error("never so");
}
const standing = (all, name) => all.outbox.find((one) => one.upstream === name);
const toast = async (pattern) => {
  await page.waitForFunction(() => document.querySelector(".toast"));
  assert.match(await page.textContent(".toast"), pattern);
};

const words = {
  en: { enabled: /gone is switched on again/, accepted: /The new key of strict is accepted/, retried: /picky is tried again/, sure: /Drop this record/, dropped: /The record is dropped/ },
  ar: { enabled: /أُعيد تشغيل .*gone/, accepted: /قُبل المفتاح الجديد/, retried: /تُعاد المحاولة/, sure: /إسقاط هذا السجل/, dropped: /أُسقط السجل/ },
  vi: { enabled: /Đã bật lại .*gone/, accepted: /Đã chấp nhận khóa mới/, retried: /Đang thử lại/, sure: /Bỏ bản ghi này/, dropped: /Đã bỏ bản ghi/ },
};

await check("the page says which destination is gone, which shows another key, and which records were refused", async () => {
  await claim(page);
  await until((all) => standing(all, "gone").state === "disabled" && standing(all, "picky").parked > 0 && standing(all, "strict").pending === 0);
});

for (const language of LANGUAGES) {
  const w = words[language];
  await check(`a destination that is gone is switched on again (${language})`, async () => {
    await until((all) => standing(all, "gone").state === "disabled");
    await page.goto(`${box}/graphql`);
    await speak(page, language);
    await page.goto(`${box}/delivery`);
    await page.click("#to-gone [data-post$='/enable']");
    await toast(w.enabled);
  });

  await check(`another key is refused, shown, and accepted after asking (${language})`, async () => {
    await page.request.get(`${receivers}/rotate`);
    await api("strict/replay", { from_seq: 1, to_seq: 3 });
    await until((all) => all.tls_pins.some((pin) => pin.shown));
    await page.goto(`${box}/delivery`);
    const box_of = page.locator("#to-strict [role=alert]");
    const told = await box_of.textContent();
    assert.equal((told.match(/sha256\//g) ?? []).length, 2, told);
    await shoot(page, `destinations-key-${language}`);
    const accept = page.locator("#to-strict [data-post$='/accept-key']");
    await accept.focus();
    await page.keyboard.press("Enter");
    assert.equal(await page.locator(".toast").count(), 0, "the first press only asks");
    await page.keyboard.press("Enter");
    await toast(w.accepted);
    await until((all) => standing(all, "strict").pending === 0);
  });

  await check(`a refused record is tried again, and given up after asking (${language})`, async () => {
    await until((all) => standing(all, "picky").pending === 0);
    await page.goto(`${box}/delivery`);
    const before = standing(await status(), "picky").parked;
    await page.locator("#to-picky [data-post$='/parked/retry']").first().click();
    await toast(w.retried);
    await until((all) => standing(all, "picky").parked === before);
    await page.goto(`${box}/delivery`);
    const drop = page.locator("#to-picky [data-post$='/parked/drop']").first();
    await drop.click();
    assert.match(await drop.textContent(), w.sure);
    await drop.click();
    await toast(w.dropped);
    await until((all) => standing(all, "picky").parked === before - 1);
  });
}

await everywhere(page, "/delivery", "destinations");
await finish(browser);
