// What every script needs: a browser that is logged in, eyes for trouble, and a camera.

import { createRequire } from "node:module";
import assert from "node:assert/strict";

const { chromium } = createRequire(`${process.env.PLAYWRIGHT}/`)("playwright-core");
export const box = process.env.BOX;
export const WIDE = { width: 1440, height: 900 };
export const NARROW = { width: 390, height: 844 };
export const LANGUAGES = ["en", "ar", "vi"];
export { assert };

const troubles = [];

export async function open() {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--disable-gpu"],
  });
  const context = await browser.newContext({ viewport: WIDE, locale: "en-US" });
  context.setDefaultTimeout(20000);
  const page = await context.newPage();
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) troubles.push(`${page.url()}: ${message.text()} ${message.location().url}`);
  });
  page.on("pageerror", (error) => troubles.push(`${page.url()}: ${error}`));
  page.on("dialog", (dialog) => { troubles.push(`${page.url()}: a box popped up: ${dialog.message()}`); dialog.dismiss(); });
  page.on("request", (request) => {
    if (!request.url().startsWith(box) && !request.url().startsWith("data:")) troubles.push(`asked elsewhere: ${request.url()}`);
  });
  return { browser, context, page };
}

// The first person claims the box with the code it printed.
export async function claim(page) {
  await page.goto(`${box}/login`);
  await page.fill("#code", process.env.CLAIM);
  await page.fill("#name", "hoa");
  await page.fill("#password", "a few quiet words");
  await Promise.all([page.waitForURL(`${box}/`), page.click("button.main")]);
}

export async function speak(page, language) {
  await Promise.all([page.waitForNavigation(), page.click(`.tongues button[value=${language}]`)]);
  assert.equal(await page.getAttribute("html", "lang"), language);
  assert.equal(await page.getAttribute("html", "dir"), language === "ar" ? "rtl" : "ltr");
}

// In each language and width: a picture, nothing that sticks out, and every control with a name.
export async function everywhere(page, address, name, before = async () => {}) {
  for (const language of LANGUAGES) {
    await page.setViewportSize(WIDE);
    await page.goto(`${box}/graphql`);
    await speak(page, language);
    for (const [width, size] of [["wide", WIDE], ["narrow", NARROW]]) {
      await page.setViewportSize(size);
      await page.goto(box + address);
      await before();
      await look(page, `${name}-${language}-${width}`);
    }
  }
  await page.emulateMedia({ colorScheme: "dark" });
  await page.setViewportSize(WIDE);
  await page.goto(box + address);
  await before();
  await shoot(page, `${name}-dark`);
  await page.emulateMedia({ colorScheme: "light" });
  await page.goto(`${box}/graphql`);
  await speak(page, "en");
}

export async function look(page, name) {
  const room = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  await shoot(page, name);
  assert.ok(room[0] <= room[1], `${name}: ${room[0]} px wide on a screen of ${room[1]} px`);
  const nameless = await page.evaluate(() => [...document.querySelectorAll("button, a, input:not([type=hidden]), select, textarea")]
    .filter((control) => control.checkVisibility())
    .filter((control) => !(control.getAttribute("aria-label") || control.labels?.length || control.textContent.trim()))
    .map((control) => control.outerHTML));
  assert.deepEqual(nameless, [], `${name}: controls without a name`);
}

export async function shoot(page, name) {
  await page.screenshot({ path: `${process.env.SHOTS}/${name}.png`, fullPage: true });
}

export async function finish(browser) {
  await browser.close();
  assert.deepEqual(troubles, []);
}

// An answer that is an error on purpose is in the console too.
export function forgive(pattern) {
  const place = troubles.findIndex((trouble) => pattern.test(trouble));
  assert.ok(place >= 0, `${pattern} is not among ${troubles.join("\n")}`);
  troubles.splice(place, 1);
}

let done = 0;
export async function check(sentence, body) {
  try {
    await body();
    done += 1;
    console.log(`  ${done}. ${sentence}`);
  } catch (error) {
    console.log(`  FAILED: ${sentence}`);
    throw error;
  }
}
