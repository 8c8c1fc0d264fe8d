// The pages about records are complete without this. It fetches the same pages and puts their parts into this one, so
// that a filter, a button or a new page number needs no reload; it shows news, and says what the schedule means.

const journal = document.getElementById("journal");
const GIVE_UP_MS = 20000;
const SEND_MS = 120000;
const TOAST_MS = 7000;
const WATCH_MS = 1000;
const QUIET_MS = 5000;
let watching = 0;
let typing = 0;

// ---- parts of a page

const parts = (from) => [...from.querySelectorAll("[data-part]")];
const dialogs = () => [...document.querySelectorAll("dialog")];

function put(fresh) {
  const known = new Map(parts(document).map((place) => [place.dataset.part, place]));
  const focus = document.activeElement?.id;
  for (const part of parts(fresh)) {
    const place = known.get(part.dataset.part);
    if (!place) continue;
    for (const name of Object.keys(place.dataset)) if (!(name in part.dataset)) delete place.dataset[name];
    Object.assign(place.dataset, part.dataset);
    const kept = [...place.querySelectorAll("details")].map((fold) => [fold.open, [...fold.querySelectorAll("input")].map((field) => field.value)]);
    place.replaceChildren(...document.importNode(part, true).childNodes);
    [...place.querySelectorAll("details")].forEach((fold, number) => {
      const [open, values] = kept[number] ?? [false, []];
      fold.open = open;
      fold.querySelectorAll("input").forEach((field, place) => { field.value = values[place] ?? ""; });
    });
  }
  const way = fresh.querySelector("input[name=back]");
  const own = document.querySelector("input[name=back]");
  if (way && own) own.value = way.value;
  const refresh = fresh.getElementById("refresh");
  if (refresh) document.getElementById("refresh")?.setAttribute("href", refresh.getAttribute("href"));
  if (focus && document.activeElement === document.body) document.getElementById(focus)?.focus();
  settle();
}

// What a page that has just come asks for: dialogs that stand open, toasts that go again, a sync to watch.
function settle() {
  for (const dialog of dialogs()) {
    if (!dialog.hasAttribute("open") || dialog.matches(":modal")) continue;
    dialog.removeAttribute("open");
    dialog.showModal();
  }
  for (const toast of document.querySelectorAll(".toast")) setTimeout(() => toast.remove(), TOAST_MS);
  clearTimeout(watching);
  const watched = document.querySelector("[data-watch]")?.dataset.watch;
  if (watched) watching = setTimeout(() => load(watched, { quiet: true }), WATCH_MS);
  markPlaying();
}

function toast(text, state = "bad") {
  const note = document.createElement("p");
  note.className = "toast";
  note.dataset.state = state;
  note.textContent = text;
  document.querySelector("[data-part=toasts]").replaceChildren(note);
  setTimeout(() => note.remove(), TOAST_MS);
}

function busy(is) {
  journal.setAttribute("aria-busy", String(is));
  for (const place of parts(document)) if (place.dataset.part !== "toasts") place.setAttribute("aria-busy", String(is));
}

async function load(wanted, { body = null, quiet = false, keep = true } = {}) {
  const patience = body instanceof FormData ? SEND_MS : GIVE_UP_MS;
  if (!quiet) busy(true);
  try {
    const answer = await fetch(wanted, {
      method: body ? "POST" : "GET",
      body,
      headers: { Accept: "text/html" },
      signal: AbortSignal.timeout(patience),
    });
    const at = new URL(answer.url);
    if (at.pathname === "/login") return void location.assign("/login");
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!fresh.getElementById("journal")) throw new Error(`status ${answer.status}`);
    if (body && answer.ok) for (const dialog of dialogs()) dialog.close();
    if (!quiet && keep && !body) history.pushState(null, "", at.pathname + at.search);
    put(fresh);
  } catch {
    if (quiet) watching = setTimeout(() => load(wanted, { quiet }), QUIET_MS);
    else toast(journal.dataset.trouble);
  } finally {
    if (!quiet) busy(false);
  }
}

// ---- what people do

function query(form) {
  const fields = [...new FormData(form)].filter(([, value]) => value !== "");
  if (!fields.some(([name]) => name === "number")) return fields.filter(([name]) => name !== "match");
  return fields;
}

document.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  const link = event.target.closest("a[data-swap], a[data-dialog], button[data-close]");
  if (!link) return;
  event.preventDefault();
  if (link.dataset.dialog) return document.getElementById(link.dataset.dialog)?.showModal();
  if ("close" in link.dataset) return link.closest("dialog").close();
  if ("clears" in link.dataset) {
    for (const field of document.getElementById("filters").elements) {
      if (field.tagName === "SELECT") field.selectedIndex = 0;
      else if ("value" in field && field.type !== "submit") field.value = "";
    }
  }
  load(link.getAttribute("href"), { keep: link.id !== "refresh" });
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!journal?.contains(form)) {
    const risky = event.submitter;
    if (!risky?.dataset.sure || risky.dataset.armed) return;
    event.preventDefault();
    return arm(risky, risky.dataset.sure);
  }
  event.preventDefault();
  const sure = event.submitter?.dataset.sure;
  if (sure && !event.submitter.dataset.armed) return arm(event.submitter, sure);
  if (form.dataset.rest) return order(form, event.submitter);
  const fields = new FormData(form, event.submitter);
  const action = event.submitter?.getAttribute("formaction") ?? form.getAttribute("action");
  if (form.method === "get") {
    const wanted = new URLSearchParams(query(form)).toString();
    load(wanted ? `${action}?${wanted}` : action);
  } else {
    load(action, { body: form.enctype === "multipart/form-data" ? fields : new URLSearchParams(fields) });
  }
});

// A link that fills in a field of a form on this page.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-fill]");
  const field = link && document.getElementById(link.dataset.fill);
  if (!field) return;
  event.preventDefault();
  field.value = link.dataset.value;
  const next = field.form.querySelector("input[type=file]");
  next.focus();
  next.scrollIntoView({ block: "center" });
});

// Orders to the API. What it answers fills the places of the sentence that says so.
async function send(address, body, said) {
  busy(true);
  const answer = await fetch(address, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "Content-Type": "application/json" },
    signal: AbortSignal.timeout(GIVE_UP_MS),
  }).catch(() => null);
  const told = await answer?.json().catch(() => null);
  busy(false);
  if (!answer?.ok) return toast(told ? journal.dataset.notDone.replace("{why}", told.detail) : journal.dataset.trouble);
  await load(journal.dataset.again, { quiet: true });
  toast(said.replace("{n}", told?.records ?? ""), "good");
}

function order(form, button) {
  const time = (name) => `${form.elements[name].value}:00${journal.dataset.offset}`;
  const dry_run = button?.name === "dry_run";
  const wish = { from: time("from"), to: time("to"), dry_run };
  send(form.dataset.rest, wish, dry_run ? form.dataset.would : form.dataset.said);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-post]");
  if (!button) return;
  if (button.dataset.sure && !button.dataset.armed) return arm(button, button.dataset.sure);
  send(button.dataset.post, JSON.parse(button.dataset.body ?? "{}"), button.dataset.said);
});

// The first press asks, the second does it.
function arm(button, sure) {
  const usual = button.textContent;
  button.dataset.armed = "yes";
  button.textContent = sure;
  setTimeout(() => {
    delete button.dataset.armed;
    button.textContent = usual;
  }, TOAST_MS);
}

document.querySelector("[data-print]")?.addEventListener("click", () => print());

document.addEventListener("keydown", (event) => {
  if (event.key !== " " || !event.target.matches("a[role=button][data-swap], a[data-dialog]")) return;
  event.preventDefault();
  event.target.click();
});
window.addEventListener("popstate", () => load(location.pathname + location.search, { keep: false }));

// ---- a schedule in words, while it is typed

async function explain(field) {
  const place = document.getElementById(field.dataset.words);
  const wanted = new URLSearchParams({ expression: field.value, zone: field.form.elements.zone?.value ?? "" });
  const answer = await fetch(`/calls/cron.json?${wanted}`).catch(() => null);
  if (!answer?.ok || !place) return;
  const { words, next, is_valid } = await answer.json();
  place.dataset.state = is_valid ? "good" : "bad";
  field.setAttribute("aria-invalid", String(!is_valid));
  const said = document.createElement("span");
  said.textContent = words;
  const list = document.createElement("ol");
  for (const time of next) list.appendChild(document.createElement("li")).textContent = time;
  place.replaceChildren(said, ...(next.length > 0 ? [list] : []));
}

document.addEventListener("input", (event) => {
  if (!event.target.matches("[data-words]")) return;
  clearTimeout(typing);
  typing = setTimeout(() => explain(event.target), 200);
});

// ---- news of calls

async function listen_for_news() {
  const records = document.getElementById("records");
  const cursor = records?.dataset.cursor;
  if (!cursor) return;
  const wanted = new URLSearchParams({ after: cursor, limit: "1", wait: "25" });
  const answer = await fetch(`/api/v1/cdrs?${wanted}`).catch(() => null);
  if (answer?.status === 410 || answer?.status === 401) return;
  const page = answer?.ok ? await answer.json() : null;
  if (records.dataset.cursor === cursor && page?.items.length > 0) {
    const is_first = !new URLSearchParams(location.search).has("page");
    if (is_first && sound.paused && !document.hidden) await load(location.pathname + location.search, { quiet: true });
    else offer_news(records);
    if (records.dataset.cursor === cursor) records.dataset.cursor = page.next_cursor;
  }
  setTimeout(listen_for_news, answer?.ok ? 300 : QUIET_MS);
}

function offer_news(records) {
  const tally = records.querySelector(".tally");
  if (!tally || tally.querySelector("a")) return;
  const said = document.createElement("span");
  said.textContent = records.dataset.news;
  const link = document.createElement("a");
  link.href = location.pathname + location.search;
  link.dataset.swap = "";
  link.textContent = records.dataset.show;
  tally.append(said, link);
}

settle();
listen_for_news();
