// Keeps the page "Now" fresh. The server sends ready words; this puts them, as text only, into the places that carry
// their names: data-f text, data-s state, data-t a timer, data-a a recording, data-list rows, data-n a count.

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

function write(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

function fill(scope, row, isPage = false) {
  for (const place of places(scope, "f", isPage)) {
    if (!place.dataset.armed) write(place, String(value(row, place.dataset.f) ?? ""));
  }
  for (const place of places(scope, "s", isPage)) place.dataset.state = value(row, place.dataset.s) ?? "";
  for (const place of places(scope, "t", isPage)) start(place, value(row, place.dataset.t).seconds);
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
  for (const place of main.querySelectorAll("[data-empty]")) place.hidden = view[place.dataset.empty].length > 0;
  clock.dataset.unixMs = view.clock.unix_ms;
  clock.dataset.offsetSeconds = view.clock.offset_seconds;
  seenAt = performance.now();
  write(doubt, view.clock.doubt);
  document.title = view.calls.length > 0 ? `(${view.calls.length}) ${title}` : title;
  markPlaying();
  tick();
}

// ---- time between two looks

let seenAt = performance.now();

function start(place, seconds) {
  place.dataset.seconds = seconds;
}

function clockOf(seconds) {
  const two = (number) => String(number).padStart(2, "0");
  const days = Math.floor(seconds / 86400);
  const hours = Math.floor(seconds / 3600) % 24;
  const minutes = Math.floor(seconds / 60) % 60;
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours}:${two(minutes)}:${two(Math.floor(seconds) % 60)}`;
  return `${minutes}:${two(Math.floor(seconds) % 60)}`;
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
    const answer = await fetch("/now.json", { signal: AbortSignal.timeout(GIVE_UP_MS) });
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

// ---- hanging up: the first press asks, the second does it

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
  const call = encodeURIComponent(button.closest("[data-key]").dataset.key);
  const answer = await fetch(`/api/v1/calls/${call}/hangup`, { method: "POST" }).catch(() => null);
  button.disabled = false;
  if (answer?.ok || answer?.status === 404) {
    disarm(button, "");
  } else {
    button.textContent = button.dataset.failed;
    setTimeout(() => disarm(button, ""), ASK_AGAIN_MS);
  }
  ask();
});

// ---- the player

const player = document.getElementById("player");
const part = (name) => document.getElementById(`player-${name}`);
const sound = new Audio();
sound.preload = "metadata";
let address = "";
let seeking = false;
let mixer = null;

function markPlaying() {
  for (const link of main.querySelectorAll("a.play")) {
    const mine = link.getAttribute("href") === address;
    link.dataset.state = mine ? (sound.paused ? "paused" : "playing") : "";
    link.setAttribute("aria-pressed", String(mine && !sound.paused));
  }
  player.dataset.state = sound.paused ? "paused" : "playing";
  const toggle = part("toggle");
  toggle.setAttribute("aria-label", sound.paused ? toggle.dataset.play : toggle.dataset.pause);
}

function showPosition() {
  const length = Number.isFinite(sound.duration) ? sound.duration : 0;
  part("seek").max = length;
  if (!seeking) part("seek").value = sound.currentTime;
  const shown = seeking ? Number(part("seek").value) : sound.currentTime;
  part("seek").style.setProperty("--played", length > 0 ? `${(100 * shown) / length}%` : "0%");
  write(part("at"), clockOf(shown));
  write(part("end"), clockOf(length));
  part("seek").setAttribute("aria-valuetext", `${clockOf(shown)} / ${clockOf(length)}`);
}

function toggle() {
  if (sound.paused) sound.play().catch(() => {});
  else sound.pause();
}

function open(link) {
  const wanted = link.getAttribute("href");
  if (wanted === address) return toggle();
  address = wanted;
  sound.src = wanted;
  write(part("title"), link.dataset.title);
  write(part("trouble"), "");
  part("save").href = `${wanted}?download=1`;
  part("sides").hidden = link.dataset.channels !== "2";
  player.hidden = false;
  document.body.classList.add("playing");
  sound.play().catch(() => {});
}

function close() {
  sound.pause();
  sound.removeAttribute("src");
  address = "";
  player.hidden = true;
  document.body.classList.remove("playing");
  markPlaying();
}

// Left is the caller, right the agent; one side alone is put on both ears.
function listen(side) {
  if (!mixer) {
    if (side === "both") return;
    const context = new AudioContext();
    const apart = context.createChannelSplitter(2);
    const joined = context.createChannelMerger(2);
    context.createMediaElementSource(sound).connect(apart);
    joined.connect(context.destination);
    mixer = { context, apart, joined };
  }
  mixer.apart.disconnect();
  const [left, right] = { both: [0, 1], caller: [0, 0], agent: [1, 1] }[side];
  mixer.apart.connect(mixer.joined, left, 0);
  mixer.apart.connect(mixer.joined, right, 1);
  mixer.context.resume();
}

main.addEventListener("click", (event) => {
  const link = event.target.closest("a.play");
  if (!link) return;
  event.preventDefault();
  open(link);
});
main.addEventListener("keydown", (event) => {
  if (event.key !== " " || !event.target.matches("a.play")) return;
  event.preventDefault();
  open(event.target);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !player.hidden) close();
});
part("toggle").addEventListener("click", toggle);
part("close").addEventListener("click", close);
part("seek").addEventListener("input", () => { seeking = true; showPosition(); });
part("seek").addEventListener("change", () => { sound.currentTime = Number(part("seek").value); seeking = false; });
part("sides").addEventListener("change", (event) => listen(event.target.value));
for (const name of ["timeupdate", "durationchange", "seeked", "emptied"]) sound.addEventListener(name, showPosition);
for (const name of ["play", "pause", "ended"]) sound.addEventListener(name, markPlaying);
sound.addEventListener("error", () => address && write(part("trouble"), part("trouble").dataset.words));

tick();
