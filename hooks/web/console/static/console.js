// What the console adds to pages that work without it: local times, changes through the API, and live parts.
"use strict";

const said = (text) => {
  const place = document.getElementById("said");
  place.textContent = text;
  clearTimeout(said.timer);
  said.timer = setTimeout(() => { place.textContent = ""; }, 8000);
};

const localTime = (written) => {
  const moment = new Date(written);
  if (Number.isNaN(moment.getTime())) return null;
  const clock = moment.toLocaleTimeString();
  return moment.toDateString() === new Date().toDateString()
    ? clock
    : `${moment.toLocaleDateString(undefined, { day: "numeric", month: "short" })} ${clock}`;
};

const localTimes = (root) => {
  for (const element of root.querySelectorAll("time[datetime]")) {
    element.textContent = localTime(element.dateTime) ?? element.textContent;
  }
  for (const element of root.querySelectorAll("option[data-time]")) { // an option holds text alone
    element.textContent = `${element.dataset.about} ${localTime(element.dataset.time) ?? ""}`;
  }
};

// What is shown gets old while nobody answers, or after the session's end: that is said at the top until it is over.
const behind = (text, link) => {
  const place = document.getElementById("behind");
  if (place.dataset.said === (text ?? "")) return;
  place.dataset.said = text ?? "";
  place.replaceChildren(...(text ? [`${text} `] : []));
  if (!link) return;
  const again = made("a", "Sign in again");
  again.href = `/sign-in?next=${encodeURIComponent(window.location.pathname + window.location.search)}`;
  if (document.querySelector("[data-editor]")) again.target = "_blank"; // a draft stays where it is
  place.append(again);
};
const AWAY = "The server does not answer. What is shown may be old.";
const OVER = "Your session is over.";

// JSON by POST; whatever the server answers but that the session is over.
const ask = async (path, body) => {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify(body ?? {}),
  }).catch(() => { throw new Error("The server did not answer. Look what became of it before you try again."); });
  if (answer.status === 401) {
    behind(OVER, true);
    throw new Error(`${OVER} Nothing was done.`);
  }
  return answer;
};

// A change: POST as JSON, and the problem's own words when it is refused.
const post = async (path, body) => {
  const answer = await ask(path, body);
  const text = await answer.text();
  let value = {};
  try { value = JSON.parse(text); } catch { /* an empty answer */ }
  if (!answer.ok) throw new Error(value.detail || value.title || `The server answered ${answer.status}.`);
  return value;
};

// For building what is shown: an element with text in it, never markup.
const made = (name, text, kind) => {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  if (kind) element.className = kind;
  return element;
};

const chosen = (name) => [...document.querySelectorAll(`input[type=checkbox][name="${name}"]:checked`)].map((box) => box.value);

// All runs that a list shows, those on other pages too: a part of them with each request, until there are no more.
const actOnAll = async (path, chosen) => {
  let done = 0;
  let refused = 0;
  let why = "";
  let after;
  do {
    const answer = await post(path, { ...chosen, ...(after ? { after } : {}) });
    done += answer.done;
    refused += answer.refused;
    why ||= answer.items.find((item) => !item.done)?.why ?? "";
    after = answer.next;
    if (after) said(`${done} done …`);
  } while (after);
  said(refused ? `${done} done, ${refused} refused: ${why}.` : `${done} done.`);
};

const actOnEach = async (ids, path) => {
  let refused = 0;
  for (const [place, id] of ids.entries()) {
    if (ids.length > 20 && place % 10 === 0) said(`${place} of ${ids.length} …`);
    try { await post(path.replace("{}", encodeURIComponent(id))); } catch { refused += 1; }
  }
  said(refused ? `${ids.length - refused} done, ${refused} refused.` : `${ids.length} done.`);
};

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-post], button[data-many], button[data-all]");
  if (!button) return;
  if (button.dataset.all) {
    for (const box of document.querySelectorAll(`input[type=checkbox][name="${button.dataset.all}"]`)) box.checked = true;
    return;
  }
  if (button.dataset.each && chosen(button.dataset.each).length === 0) { said("Nothing is chosen."); return; }
  if (button.dataset.sure && !window.confirm(button.dataset.sure)) return;
  button.disabled = true;
  try {
    if (button.dataset.each) await actOnEach(chosen(button.dataset.each), button.dataset.post);
    else if (button.dataset.many) await actOnAll(button.dataset.many, JSON.parse(button.dataset.body));
    else {
      const answer = await post(button.dataset.post, button.dataset.body ? JSON.parse(button.dataset.body) : undefined);
      const told = (button.dataset.tell || "").split(",").map((name) => answer[name]).filter(Boolean);
      said(told.length ? `${told.join(": ")}.` : "Done.");
    }
    if (button.dataset.then) { window.location.assign(button.dataset.then); return; }
    await refresh();
  } catch (error) {
    said(error.message);
  } finally {
    button.disabled = false;
  }
});

// Forms whose fields are the members of a JSON body; empty ones are left out.
const fields = (form) => Object.fromEntries([...form.elements]
  .filter((field) => field.name && field.value !== "")
  .map((field) => [field.name, field.type === "number" ? Number(field.value) : field.value]));

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-form], form[data-replay]");
  if (!form) return;
  event.preventDefault();
  try {
    if (form.dataset.replay) { await foresee(form); return; }
    await post(form.dataset.form, fields(form));
    said("Done.");
    await refresh(true);
  } catch (error) {
    said(error.message);
  }
});

// A replay is first told, then done: what is shown is what the button beneath it does.
const foresee = async (form) => {
  const path = `/api/v1/events/${form.dataset.replay}/replay`;
  const mode = form.elements.mode.value;
  const told = await post(path, { mode, dry_run: true });
  const place = form.parentElement.querySelector("[data-forecast]");
  const list = made("ul", undefined, "plain");
  for (const item of told.items) {
    const line = made("li");
    line.append(made("span", item.action, `state ${item.action === "nothing" ? "skipped" : "waiting"}`), ` ${item.rule}`);
    if (item.why) line.append(made("span", ` ${item.why}`, "quiet"));
    list.append(line);
  }
  if (!told.items.length) list.append(made("li", "No rule has anything to do for it."));
  const sends = told.forecast.map((one) => `${one.requests} to ${one.connection}`).join(", ");
  place.replaceChildren(list, made("p", sends ? `Requests: ${sends}.` : "No request would leave.", "quiet"));
  if (told.make + told.retry + told.read === 0) return;
  const go = made("button", "Replay now", "main");
  go.type = "button";
  go.addEventListener("click", async () => {
    go.disabled = true;
    try {
      const done = await post(path, { mode });
      const read = done.read ? "Read anew. " : "";
      place.replaceChildren(made("p", `${read}${done.made} ${done.made === 1 ? "run" : "runs"} on the way.`));
      await refresh();
    } catch (error) { said(error.message); go.disabled = false; }
  });
  place.append(go);
};

// Whether a button of the mouse is down: what is replaced under it hears of no click.
let pressed = false;
for (const [kind, down] of [["pointerdown", true], ["pointerup", false], ["pointercancel", false]]) {
  document.addEventListener(kind, () => { pressed = down; }, true);
}

// Live parts: the page is fetched again and the parts named by data-live are put in the place of the old ones.
const refresh = async (always) => {
  if (!document.querySelector("[data-live]")) return;
  if (!always && document.activeElement?.closest("[data-live] form")) return; // somebody is typing there
  const answer = await fetch(window.location.href, { headers: { accept: "text/html" } });
  if (!answer.ok) return;
  if (answer.redirected && new URL(answer.url).pathname === "/sign-in") { behind(OVER, true); return; }
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  while (pressed) await new Promise((done) => { setTimeout(done, 50); });
  for (const part of fresh.querySelectorAll("[data-live]")) {
    const old = document.querySelector(`[data-live="${part.dataset.live}"]`);
    if (!old || old.innerHTML === part.innerHTML) continue;
    const open = new Set([...old.querySelectorAll("details")].map((element, place) => (element.open ? place : -1)));
    const focused = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    const marked = new Set([...old.querySelectorAll("input:checked")].map((box) => box.value));
    [...part.querySelectorAll("details")].forEach((element, place) => { element.open = open.has(place); });
    for (const box of part.querySelectorAll("input[type=checkbox]")) box.checked = marked.has(box.value);
    localTimes(part);
    old.replaceWith(part);
    if (focused) part.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }
};

const follow = () => {
  if (!document.querySelector("[data-live]") || !window.EventSource) return;
  const stream = new EventSource("/api/v1/stream");
  let due = null;
  let away = null;
  stream.addEventListener("change", () => {
    if (due || document.hidden || window.getSelection()?.toString()) return;
    due = setTimeout(() => { due = null; refresh().catch(() => {}); }, 700);
  });
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED) refresh(true).catch(() => behind(AWAY)); // refused: the session is over
    else away ??= setTimeout(() => behind(AWAY), 3000);
  });
  stream.addEventListener("open", () => {
    if (!away) return;
    clearTimeout(away);
    away = null;
    behind();
    refresh().catch(() => {});
  });
  window.addEventListener("pagehide", () => stream.close());
};

// The listeners above are there before the first button is: on a busy machine a click may come before the whole page.
document.addEventListener("DOMContentLoaded", () => {
  localTimes(document);
  const menu = document.querySelector(".top nav");
  const here = menu?.querySelector("[aria-current]");
  if (here) menu.scrollLeft = here.offsetLeft - (menu.clientWidth - here.offsetWidth) / 2; // a telephone's menu is cut
  follow();
});
