// The page "Settings": the text is checked while it is typed, told before it is applied, and on trial after.

const page = document.getElementById("settings");
const words = page.dataset;
const text = document.getElementById("text");
const lines = document.getElementById("lines");
const verdict = document.getElementById("verdict");
const faults = document.getElementById("faults");
const changes = document.getElementById("changes");
const said = document.getElementById("said");
let turn = 0;
let wait = 0;
let wrong = new Set();

const fill = (sentence, n) => sentence.replace("{n}", n);

function say(sentence, bad = false) {
  const toast = document.createElement("p");
  toast.className = "toast";
  toast.dataset.state = bad ? "bad" : "good";
  toast.textContent = sentence;
  said.replaceChildren(toast);
}

async function ask(method, address, headers = {}, body = undefined) {
  try {
    const answer = await fetch(address, { method, headers: { Accept: "application/json", ...headers }, body });
    return { ok: answer.ok, body: await answer.json() };
  } catch {
    return { ok: false, body: { detail: words.failed } };
  }
}
const toml = { "Content-Type": "application/toml" };

function number() {
  const count = text.value.split("\n").length;
  const marks = [];
  for (let line = 1; line <= count; line += 1) {
    const mark = document.createElement("span");
    mark.textContent = `${line}\n`;
    if (wrong.has(line)) mark.className = "wrong";
    marks.push(mark);
  }
  lines.replaceChildren(...marks);
  lines.scrollTop = text.scrollTop;
}

function go(line) {
  const before = text.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
  const length = (text.value.split("\n")[line - 1] ?? "").length;
  text.focus();
  text.setSelectionRange(before, before + length);
  const height = text.scrollHeight / Math.max(1, text.value.split("\n").length);
  text.scrollTop = Math.max(0, (line - 4) * height);
}

function tell(found) {
  const here = (fault) => fault.line && !fault.file.startsWith("environment") && (words.flow ? fault.file.endsWith(`flows/${words.flow}.toml`) : !fault.file.includes("flows/"));
  wrong = new Set(found.mistakes.filter(here).map((fault) => fault.line));
  number();
  verdict.dataset.state = found.mistakes.length ? "bad" : "ok";
  verdict.textContent = found.mistakes.length ? `${words.mistakes}: ${found.mistakes.length}` : words.none;
  faults.replaceChildren(...[...found.mistakes.map((fault) => [fault, "bad"]), ...found.warnings.map((fault) => [fault, "warn"])].map(([fault, state]) => {
    const item = document.createElement("li");
    const place = document.createElement(here(fault) ? "button" : "b");
    if (here(fault)) {
      place.type = "button";
      place.className = "quiet";
      place.addEventListener("click", () => go(fault.line));
    }
    place.textContent = here(fault) ? fill(words.line, fault.line) : fault.file;
    const what = document.createElement("bdi");
    what.dir = "ltr";
    what.textContent = `${fault.key ? `${fault.key}: ` : ""}${fault.problem} — ${fault.cure}`;
    item.dataset.state = state;
    item.append(place, " ", what);
    return item;
  }));
}

async function check() {
  const mine = ++turn;
  verdict.textContent = words.checking;
  const { ok, body } = await ask("POST", `${words.api}/check`, toml, text.value);
  if (mine !== turn) return;
  if (ok) tell(body);
  else verdict.textContent = body.detail;
}

text.addEventListener("input", () => {
  number();
  changes.hidden = true;
  clearTimeout(wait);
  wait = setTimeout(check, 400);
});
text.addEventListener("scroll", () => { lines.scrollTop = text.scrollTop; });

document.getElementById("diff").addEventListener("click", async () => {
  turn += 1;
  const { ok, body } = await ask("POST", `${words.api}/diff`, toml, text.value);
  if (!ok) return say(`${words.refused} ${body.detail}`, true);
  tell(body);
  const items = body.changes.map((change) => {
    const item = document.createElement("li");
    const badge = document.createElement("span");
    badge.className = "badge";
    badge.dataset.state = { added: "ok", changed: "warn", removed: "bad" }[change.how];
    badge.textContent = words[change.how];
    const name = document.createElement("bdi");
    name.dir = "ltr";
    name.textContent = change.name ? `${change.section} ${change.name}` : `[${change.section}]`;
    item.append(badge, " ", name);
    if (!change.at_once) item.append(` · ${words.restart}`);
    for (const key of change.how === "changed" ? change.keys : []) {
      const more = document.createElement("bdi");
      more.className = "more";
      more.dir = "ltr";
      more.textContent = `${key.key}: ${key.before ?? "–"} → ${key.after ?? "–"}`;
      item.append(more);
    }
    return item;
  });
  if (!items.length) {
    const item = document.createElement("li");
    item.textContent = words.nothing;
    items.push(item);
  }
  document.getElementById("list").replaceChildren(...items);
  changes.hidden = !body.ok;
});

function done(answer) {
  if (!answer.ok) {
    if (answer.body.mistakes) tell(answer.body);
    return say(`${words.refused} ${answer.body.detail}`, true);
  }
  sessionStorage.setItem("settings-said", fill(words.applied, answer.body.version));
  location.reload();
}

document.getElementById("apply").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  const query = new URLSearchParams({ reason: form.get("reason"), confirm: form.get("confirm") === "on" });
  done(await ask("PUT", `${words.api}?${query}`, { ...toml, "If-Match": `"${words.etag}"` }, text.value));
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-act]");
  if (!button) return;
  const act = button.dataset.act;
  if ((act === "return" || act === "back") && !button.dataset.asked) {
    button.dataset.asked = button.textContent;
    button.textContent = words.sure;
    return setTimeout(() => { button.textContent = button.dataset.asked; delete button.dataset.asked; }, 5000);
  }
  if (act === "return") return done(await ask("POST", `/api/v1/config/history/${button.dataset.version}/return`));
  if (act === "back") return done(await ask("POST", `/api/v1/config/history/${words.returns}/return?trial_seconds=0`));
  if (act === "reload") return done(await ask("POST", "/api/v1/config/reload"));
  const { ok, body } = await ask("POST", "/api/v1/config/confirm");
  if (!ok) return say(body.detail, true);
  sessionStorage.setItem("settings-said", words.kept);
  location.reload();
});

document.getElementById("call").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = Object.fromEntries(new FormData(event.target));
  const story = { from: form.from, to: form.to, press: form.press };
  if (form.at) story.at = `${form.at.length === 16 ? `${form.at}:00` : form.at}${words.offset}`;
  if (form.answer) story.answer = form.answer;
  story.text = text.value;
  if (words.flow) story.flow = words.flow;
  const { ok, body } = await ask("POST", "/api/v1/simulate", { "Content-Type": "application/json" }, JSON.stringify(story));
  if (!ok) return say(body.detail, true);
  document.getElementById("ladder").replaceChildren(...body.ladder.map((rung) => {
    const item = document.createElement("li");
    item.dataset.who = rung.who;
    const [time, who, what] = ["b", "i", "bdi"].map((tag) => document.createElement(tag));
    time.textContent = `${(rung.at_ms / 1000).toFixed(1)} s`;
    who.textContent = rung.who === "note" ? "" : rung.who;
    what.textContent = rung.text;
    item.append(time, who, what);
    return item;
  }));
});

// What is on trial is counted down, and looked at every few seconds.
async function watch() {
  const { ok, body } = await ask("GET", "/api/v1/config");
  if (!ok) return setTimeout(watch, 2000);
  if (!body.trial) return location.reload();
  const left = body.trial.seconds_left;
  document.getElementById("trial-words").textContent = fill(words[words.trial], left);
  document.getElementById("trial-missing").textContent = body.trial.missing.length ? `${words.missing} ${body.trial.missing.join(", ")}` : "";
  return setTimeout(watch, 1000);
}

number();
check();
if (words.trial) watch();
const last = sessionStorage.getItem("settings-said");
if (last) {
  sessionStorage.removeItem("settings-said");
  say(last);
}
