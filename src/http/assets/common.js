// What the pages share: words into places, seconds as people read them, and the player of recordings. Each page's own
// script follows in the same file.

function write(place, text) {
  if (place.textContent !== text) place.textContent = text;
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

// ---- the player

const player = document.getElementById("player");
const part = (name) => document.getElementById(`player-${name}`);
const sound = new Audio();
sound.preload = "metadata";
let address = "";
let seeking = false;
let mixer = null;

function markPlaying() {
  for (const link of document.querySelectorAll("a.play")) {
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

document.addEventListener("click", (event) => {
  const link = event.target.closest("a.play");
  if (!link) return;
  event.preventDefault();
  open(link);
});
document.addEventListener("keydown", (event) => {
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

