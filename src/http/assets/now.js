// Keeps the pages "Now" and "Phones" fresh. Served behind common.js, as one file with it.
//
// The server sends ready words; this puts them, as text only, into the places that carry
// their names: data-f text, data-s state, data-t a timer, data-a a recording, data-p an order, data-h an address,
// data-list rows, data-n a count.

const EVERY_MS = 2000;
const GIVE_UP_MS = 6000;
const ASK_AGAIN_MS = 3500;

const main = document.getElementById("now");
const lost = document.getElementById("lost");
const clock = document.getElementById("clock");
const doubt = document.getElementById("doubt");
const title = document.title;

// ---- putting a view into the page

const value = (row, path) => path.split(".").reduce((part, name) => part?.[name], row);

function places(scope, kind, isPage) {
  const found = [...scope.querySelectorAll(`[data-${kind}]`)];
  if (scope.matches(`[data-${kind}]`)) found.push(scope);
  return isPage ? found.filter((place) => !place.closest("[data-list]")) : found;
}

function fill(scope, row, isPage = false) {
  for (const place of places(scope, "f", isPage)) {
    if (!place.dataset.armed) write(place, String(value(row, place.dataset.f) ?? ""));
  }
  for (const place of places(scope, "s", isPage)) place.dataset.state = value(row, place.dataset.s) ?? "";
  for (const place of places(scope, "t", isPage)) start(place, value(row, place.dataset.t).seconds);
  for (const place of places(scope, "p", isPage)) {
    const { word, to, method, body } = value(row, place.dataset.p);
    if (place.dataset.armed) continue;
    write(place, word);
    place.hidden = !word;
    Object.assign(place.dataset, { to, method, body });
  }
  for (const place of places(scope, "h", isPage)) {
    const address = value(row, place.dataset.h);
    place.hidden = !address;
    place.setAttribute("href", address);
  }
  for (const place of places(scope, "a", isPage)) {
    const address = value(row, place.dataset.a);
    place.hidden = !address;
    if (address) place.setAttribute("href", address);
    place.setAttribute("aria-label", row.audio_label);
    place.dataset.title = row.audio_title;
    place.dataset.channels = row.channels;
  }
}

function list(place, rows) {
  const blank = place.querySelector("template");
  const old = new Map();
  for (const child of place.children) if (child !== blank) old.set(child.dataset.key, child);
  let last = blank;
  for (const row of rows) {
    const known = old.get(row.key);
    const item = known ?? blank.content.firstElementChild.cloneNode(true);
    old.delete(row.key);
    item.dataset.key = row.key;
    fill(item, row);
    if (last.nextElementSibling !== item) last.after(item);
    last = item;
  }
  for (const gone of old.values()) gone.remove();
}

function show(view) {
  fill(main, view, true);
  for (const place of main.querySelectorAll("[data-list]")) list(place, view[place.dataset.list]);
  for (const place of main.querySelectorAll("[data-n]")) write(place, String(view[place.dataset.n].length));
  for (const place of main.querySelectorAll("[data-full]")) place.hidden = view[place.dataset.full].length === 0;
  for (const place of main.querySelectorAll("[data-empty]")) place.hidden = view[place.dataset.empty].length > 0;
  clock.dataset.unixMs = view.clock.unix_ms;
  clock.dataset.offsetSeconds = view.clock.offset_seconds;
  seenAt = performance.now();
  write(doubt, view.clock.doubt);
  document.title = view.calls?.length > 0 ? `(${view.calls.length}) ${title}` : title;
  markPlaying();
  tick();
}

// ---- time between two looks

let seenAt = performance.now();

function start(place, seconds) {
  place.dataset.seconds = seconds;
}

function siteTime() {
  const passed = performance.now() - seenAt;
  const ms = Number(clock.dataset.unixMs) + Number(clock.dataset.offsetSeconds) * 1000 + passed;
  return new Date(ms).toISOString().slice(11, 19);
}

function tick() {
  if (!lost.hidden) return;
  write(clock, siteTime());
  const passed = (performance.now() - seenAt) / 1000;
  for (const place of main.querySelectorAll("[data-seconds]")) {
    write(place, clockOf(Number(place.dataset.seconds) + passed));
  }
}
setInterval(tick, 1000);

// ---- asking the box

let timer = 0;
let asking = false;

async function ask() {
  clearTimeout(timer);
  if (asking || document.hidden) return;
  asking = true;
  try {
    const answer = await fetch(main.dataset.look, { signal: AbortSignal.timeout(GIVE_UP_MS) });
    if (answer.status === 401) return void location.assign("/login");
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const view = await answer.json();
    lost.hidden = true;
    document.body.classList.remove("stale");
    show(view);
  } catch {
    if (lost.hidden) lost.textContent = lost.dataset.words.replace("{time}", clock.textContent);
    lost.hidden = false;
    document.body.classList.add("stale");
  } finally {
    asking = false;
    timer = setTimeout(ask, EVERY_MS);
  }
}
document.addEventListener("visibilitychange", ask);
timer = setTimeout(ask, EVERY_MS);

// ---- hanging up, letting in: the first press asks, the second does it

function disarm(button, text) {
  delete button.dataset.armed;
  button.textContent = text;
}

main.addEventListener("click", async (event) => {
  const button = event.target.closest("button.hang");
  if (!button) return;
  if (!button.dataset.armed) {
    const usual = button.textContent;
    button.dataset.armed = "asked";
    button.textContent = button.dataset.sure;
    setTimeout(() => button.dataset.armed === "asked" && disarm(button, usual), ASK_AGAIN_MS);
    return;
  }
  if (button.dataset.armed !== "asked") return;
  button.dataset.armed = "sent";
  button.disabled = true;
  const key = encodeURIComponent(button.closest("[data-key]").dataset.key);
  const [address, method] =
    button.dataset.act === "lift" ? [`/api/v1/bans/${key}`, "DELETE"] : [`/api/v1/calls/${key}/hangup`, "POST"];
  const answer = await fetch(address, { method }).catch(() => null);
  button.disabled = false;
  if (answer?.ok || answer?.status === 404) {
    disarm(button, "");
  } else {
    button.textContent = button.dataset.failed;
    setTimeout(() => disarm(button, ""), ASK_AGAIN_MS);
  }
  ask();
});

// ---- what can be done about a row at once

main.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-to]");
  if (!button || button.dataset.armed) return;
  button.dataset.armed = "sent";
  button.disabled = true;
  const { to, method, body, failed } = button.dataset;
  const headers = body ? { "Content-Type": "application/json" } : {};
  const answer = await fetch(to, { method, headers, body: body || null }).catch(() => null);
  button.disabled = false;
  if (!answer?.ok) {
    button.textContent = failed;
    await new Promise((done) => setTimeout(done, ASK_AGAIN_MS));
  }
  delete button.dataset.armed;
  ask();
});

tick();
