// What the console adds to pages that work without it: local times, changes through the API, and live parts.
"use strict";

const said = (text) => {
  const place = document.getElementById("said");
  place.textContent = text;
  clearTimeout(said.timer);
  said.timer = setTimeout(() => { place.textContent = ""; }, 8000);
};

const localTimes = (root) => {
  const today = new Date().toDateString();
  for (const element of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    const clock = moment.toLocaleTimeString();
    element.textContent = moment.toDateString() === today
      ? clock
      : `${moment.toLocaleDateString(undefined, { day: "numeric", month: "short" })} ${clock}`;
  }
};

// A change: POST as JSON, and the problem's own words when it is refused.
const post = async (path, body) => {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify(body ?? {}),
  });
  const text = await answer.text();
  let value = {};
  try { value = JSON.parse(text); } catch { /* an empty answer */ }
  if (!answer.ok) throw new Error(value.detail || value.title || `The server answered ${answer.status}.`);
  return value;
};

const chosen = (name) => [...document.querySelectorAll(`input[type=checkbox][name="${name}"]:checked`)].map((box) => box.value);

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-post], button[data-all]");
  if (!button) return;
  if (button.dataset.all) {
    for (const box of document.querySelectorAll(`input[type=checkbox][name="${button.dataset.all}"]`)) box.checked = true;
    return;
  }
  const each = button.dataset.each ? chosen(button.dataset.each) : null;
  if (each && each.length === 0) { said("Nothing is chosen."); return; }
  if (button.dataset.sure && !window.confirm(button.dataset.sure)) return;
  button.disabled = true;
  try {
    if (each) {
      let refused = 0;
      for (const id of each) {
        try { await post(button.dataset.post.replace("{}", encodeURIComponent(id))); } catch { refused += 1; }
      }
      said(refused ? `${each.length - refused} done, ${refused} refused.` : `${each.length} done.`);
    } else {
      await post(button.dataset.post, button.dataset.body ? JSON.parse(button.dataset.body) : undefined);
      said("Done.");
    }
    if (button.dataset.then) { window.location.assign(button.dataset.then); return; }
    await refresh();
  } catch (error) {
    said(error.message);
  } finally {
    button.disabled = false;
  }
});

// Live parts: the page is fetched again and the parts named by data-live are put in the place of the old ones.
const refresh = async () => {
  if (!document.querySelector("[data-live]")) return;
  const answer = await fetch(window.location.href, { headers: { accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of fresh.querySelectorAll("[data-live]")) {
    const old = document.querySelector(`[data-live="${part.dataset.live}"]`);
    if (!old || old.innerHTML === part.innerHTML) continue;
    const open = new Set([...old.querySelectorAll("details")].map((element, place) => (element.open ? place : -1)));
    const marked = new Set([...old.querySelectorAll("input:checked")].map((box) => box.value));
    [...part.querySelectorAll("details")].forEach((element, place) => { element.open = open.has(place); });
    for (const box of part.querySelectorAll("input[type=checkbox]")) box.checked = marked.has(box.value);
    localTimes(part);
    old.replaceWith(part);
  }
};

const follow = () => {
  if (!document.querySelector("[data-live]") || !window.EventSource) return;
  const stream = new EventSource("/api/v1/stream");
  let due = null;
  stream.addEventListener("change", () => {
    if (due || document.hidden || window.getSelection()?.toString()) return;
    due = setTimeout(() => { due = null; refresh().catch(() => {}); }, 700);
  });
  window.addEventListener("pagehide", () => stream.close());
};

localTimes(document);
follow();
