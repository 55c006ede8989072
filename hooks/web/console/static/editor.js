// The editor of the rules file: a text area over a coloured copy of itself, checked while somebody types.
"use strict";

(() => {
  const root = document.querySelector("[data-editor]");
  if (!root) return;
  const area = root.querySelector("#text");
  const colours = root.querySelector(".colours");
  const gutter = root.querySelector(".gutter");
  const verdict = root.querySelector("#verdict");
  const list = root.querySelector(".findings");
  const choices = root.querySelector(".choices");
  const main = root.dataset.main;
  const texts = new Map(); // name -> {began, text, findings}
  for (const kept of root.querySelectorAll("textarea[data-text]")) texts.set(kept.dataset.text, { began: kept.value, text: kept.value, findings: [] });
  if (!texts.size) texts.set(main, { began: area.defaultValue, text: area.value, findings: [] });
  const buttons = new Map([...root.querySelectorAll("button[data-file]")].map((one) => [one.dataset.file, one]));
  let open = [...buttons].find(([, one]) => one.getAttribute("aria-pressed") === "true")?.[0] ?? main;
  if (area.value !== area.defaultValue) texts.get(open).text = area.value; // somebody was quicker than this script
  let findings = [];
  let sample = null;

  // --- colours and line numbers ---

  const pattern = /((?:^|(?<=\s))#.*)|([A-Za-z_][\w.-]*(?=:(?:\s|$)))|(\$\{[^}]*\})|("[^"]*"|'[^']*')/g;
  const kinds = ["", "y-comment", "y-key", "y-hole", "y-text"];

  const coloured = (text, wrong) => {
    const line = made("span", undefined, wrong ? `row ${wrong}` : "row");
    let at = 0;
    for (const found of text.matchAll(pattern)) {
      line.append(text.slice(at, found.index));
      line.append(made("span", found[0], kinds[found.findIndex((part, place) => place > 0 && part !== undefined)]));
      at = found.index + found[0].length;
    }
    line.append(text.slice(at), "\n");
    return line;
  };

  let shown = [];
  const paint = () => {
    const lines = area.value.split("\n");
    const wrong = new Map(findings.map((one) => [one.line, one.severity]));
    const keys = lines.map((text, place) => `${wrong.get(place + 1) ?? ""}:${text}`);
    for (let place = 0; place < keys.length; place += 1) {
      if (shown[place] === keys[place]) continue;
      const line = coloured(lines[place], wrong.get(place + 1));
      const number = made("span", String(place + 1), wrong.get(place + 1));
      if (colours.children[place]) { colours.children[place].replaceWith(line); gutter.children[place].replaceWith(number); }
      else { colours.append(line); gutter.append(number); }
    }
    while (colours.children.length > keys.length) { colours.lastChild.remove(); gutter.lastChild.remove(); }
    shown = keys;
    area.rows = lines.length + 1;
  };

  // --- several files ---

  const changed = () => [...texts.values()].some((one) => one.text !== one.began);
  const draft = () => {
    const others = [...texts].filter(([name, one]) => name !== main && one.text !== one.began);
    return { text: texts.get(main).text, ...(others.length ? { files: Object.fromEntries(others.map(([name, one]) => [name, one.text])) } : {}) };
  };

  // A finding names the main file by its last part, others in full.
  const fileOf = (finding) => (texts.has(finding.file) ? finding.file : main);

  const label = () => {
    for (const [name, button] of buttons) {
      const one = texts.get(name);
      const errors = one.findings.filter((found) => found.severity === "error").length;
      button.setAttribute("aria-pressed", String(name === open));
      button.dataset.label ??= button.textContent;
      button.replaceChildren(button.dataset.label, one.text === one.began ? "" : " · changed");
      if (errors) button.append(made("span", ` · ${errors} ${errors === 1 ? "mistake" : "mistakes"}`, "bad"));
    }
  };

  const show = (name) => {
    if (name === open) return;
    open = name;
    area.value = texts.get(name).text;
    findings = texts.get(name).findings;
    close();
    paint();
    label();
    root.querySelector(".sheet").scrollTop = 0;
  };
  for (const [name, button] of buttons) button.addEventListener("click", () => show(name));

  // --- checking ---

  let due = null;
  let asked = 0;
  const check = async () => {
    const mine = ++asked;
    try {
      const answer = await post("/api/v1/rules/check", draft());
      if (mine !== asked) return;
      const found = [...answer.findings].sort((one, other) => (other.severity === "error") - (one.severity === "error"));
      for (const [name, one] of texts) one.findings = found.filter((each) => fileOf(each) === name);
      findings = texts.get(open).findings;
      const errors = found.filter((one) => one.severity === "error").length;
      verdict.textContent = errors ? `${errors} ${errors === 1 ? "mistake" : "mistakes"}.`
        : `${changed() ? "It can be published" : "Not changed"}${found.length ? `; ${found.length} to look at` : ""}.`;
      verdict.className = `verdict-line ${errors ? "bad" : "good"}`;
      label();
      list.replaceChildren(...found.slice(0, 50).map((one) => {
        const item = made("li", undefined, one.severity);
        const place = buttons.get(fileOf(one))?.dataset.label;
        const link = made("button", `${place ? `${place}, ` : ""}line ${one.line}`, "link");
        link.type = "button";
        link.addEventListener("click", () => { show(fileOf(one)); goTo(one.line, one.column); });
        item.append(link, ` ${one.message}`);
        if (one.hint) item.append(made("span", ` ${one.hint}`, "hint"));
        return item;
      }));
      paint();
    } catch (error) { verdict.textContent = error.message; }
  };

  const goTo = (line, column) => {
    const start = area.value.split("\n").slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0) + column - 1;
    const sheet = root.querySelector(".sheet");
    area.focus({ preventScroll: true });
    area.setSelectionRange(start, start);
    sheet.scrollTop = (colours.children[line - 1]?.offsetTop ?? 0) - sheet.clientHeight / 2;
    sheet.scrollLeft = 0;
  };

  // --- completion ---

  let offered = [];
  let picked = 0;
  const close = () => { choices.hidden = true; offered = []; area.removeAttribute("aria-activedescendant"); };

  const offer = async (always) => {
    const found = await window.completions(area.value, area.selectionStart, sample);
    offered = found.items.slice(0, 40);
    if (!offered.length || (!always && !found.word)) { close(); return; }
    picked = 0;
    choices.replaceChildren(...offered.map((one, place) => {
      const item = made("li");
      item.id = `choice-${place}`;
      item.setAttribute("role", "option");
      item.append(made("b", one.label), made("span", one.told ?? "", "quiet"));
      item.addEventListener("mousedown", (event) => { event.preventDefault(); picked = place; take(found.word); });
      return item;
    }));
    choices.dataset.word = found.word;
    const before = area.value.slice(0, area.selectionStart).split("\n");
    // Where the caret is, by the size of one character: a style sheet cannot know, and the policy forbids style attributes
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(`.choices { top: ${(before.length * 1.45).toFixed(2)}em; left: ${Math.min(before.at(-1).length, 60)}ch; }`);
    document.adoptedStyleSheets = [sheet];
    choices.hidden = false;
    choices.scrollIntoView({ block: "nearest" });
    mark();
  };

  const mark = () => {
    [...choices.children].forEach((item, place) => item.setAttribute("aria-selected", String(place === picked)));
    choices.children[picked]?.scrollIntoView({ block: "nearest" });
    area.setAttribute("aria-activedescendant", `choice-${picked}`);
  };

  const type = (text, back) => {
    const at = area.selectionStart;
    area.setRangeText(text, at - back, area.selectionEnd, "end");
    area.dispatchEvent(new Event("input"));
  };

  const take = (word) => {
    const one = offered[picked];
    close();
    type(one.insert ?? one.label, word.length);
    close();
  };

  let leaving = false;
  area.addEventListener("keydown", (event) => {
    if (!choices.hidden) {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        picked = (picked + (event.key === "ArrowDown" ? 1 : offered.length - 1)) % offered.length;
        mark();
        event.preventDefault();
        return;
      }
      if (event.key === "Enter" || event.key === "Tab") { take(choices.dataset.word); event.preventDefault(); return; }
      if (event.key === "Escape") { close(); event.preventDefault(); return; }
    }
    if (event.key === " " && event.ctrlKey) { offer(true); event.preventDefault(); }
    else if (event.key === "Escape") leaving = true;
    else if (event.key === "Tab" && !leaving && !event.shiftKey) { type("  ", 0); event.preventDefault(); }
    else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
      const line = area.value.slice(0, area.selectionStart).split("\n").at(-1);
      type(`\n${/^\s*/.exec(line)[0]}${/^\s*- .*:$|:$/.test(line) ? "  " : ""}`, 0);
      event.preventDefault();
    }
    if (event.key !== "Escape") leaving = false;
  });
  area.addEventListener("blur", close);
  area.addEventListener("click", close);
  area.addEventListener("input", (event) => {
    texts.get(open).text = area.value;
    paint();
    label();
    clearTimeout(due);
    due = setTimeout(check, 400);
    if (event.inputType === "insertText") offer(false).catch(() => {}); else close();
  });

  // --- publish, explain, backtest ---

  const form = (name, work) => root.querySelector(`form[data-${name}]`)?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = event.target.querySelector("button[type=submit]");
    button.disabled = true;
    try { await work(event.target); } catch (error) { said(error.message); } finally { button.disabled = false; }
  });

  form("publish", async (given) => {
    if (!window.confirm("Put these rules in force now?")) return;
    const answer = await ask("/api/v1/rules", { ...draft(), note: given.elements.note.value, expected: root.dataset.number || undefined });
    behind();
    const told = await answer.json();
    if (answer.status === 409) {
      verdict.textContent = `Not published: ${told.detail} Copy your text, load this page again, and bring it in there.`;
      verdict.className = "verdict-line bad";
    } else if (told.ok) {
      window.removeEventListener("beforeunload", keep);
      window.location.assign("/rules");
    } else { await check(); said(told.detail || "Not published: it has mistakes."); }
  });

  root.querySelector("[data-revert]")?.addEventListener("click", () => {
    if (!window.confirm("Forget what you have changed here?")) return;
    for (const one of texts.values()) one.text = one.began;
    area.value = texts.get(open).text;
    paint();
    check();
  });

  form("explain", async (given) => {
    const place = root.querySelector("[data-explained]");
    const answer = await ask("/api/v1/rules/explain", { ...draft(), event: given.elements.event.value });
    const told = await answer.json();
    if (!told.ok) { place.replaceChildren(made("p", told.detail || "The file has mistakes: mend them first.", "wrong")); return; }
    place.replaceChildren(...told.explained.rules.map((rule) => {
      const box = made("details", undefined, "rule");
      box.open = rule.matched;
      const head = made("summary");
      head.append(made("span", rule.matched ? "matched" : "unmatched", `state ${rule.matched ? "matched" : ""}`), ` ${rule.id}`);
      const clauses = made("ul", undefined, "clauses");
      for (const one of rule.clauses) {
        const line = made("li", undefined, one.verdict);
        line.append(made("span", String(one.line), "line"), " ", made("code", one.text));
        for (const [path, value] of Object.entries(one.values)) line.append(made("span", ` ${path} is ${JSON.stringify(value)}`, "quiet"));
        if (one.hint) line.append(made("span", ` ${one.hint}`, "hint"));
        clauses.append(line);
      }
      box.append(head, clauses);
      for (const one of rule.requests) box.append(one.error ? made("p", `${one.step} would send nothing: ${one.error}`, "quiet") : made("pre", `${one.method ?? ""} ${one.url ?? one.action}\n${one.body === undefined ? "" : JSON.stringify(one.body, null, 2)}`, "code"));
      return box;
    }));
  });

  form("backtest", async (given) => {
    const place = root.querySelector("[data-backtested]");
    place.replaceChildren(made("p", "Comparing …", "quiet"));
    const answer = await ask("/api/v1/rules/backtest", { ...draft(), since: given.elements.since.value })
      .catch((error) => { place.replaceChildren(); throw error; });
    const told = await answer.json();
    if (!told.ok) { place.replaceChildren(made("p", told.detail || "The file has mistakes: mend them first.", "wrong")); return; }
    const counted = told.summary;
    const table = made("ul", undefined, "plain");
    for (const one of told.events.slice(0, 50)) {
      const line = made("li");
      const link = made("a", `…${one.event.slice(-12)}`, "id");
      link.href = `/events/${one.event}`;
      line.append(made("span", one.change, `state ${{ added: "done", removed: "failed" }[one.change] ?? "held"}`), ` ${one.rule} `, link);
      for (const field of (one.fields ?? []).slice(0, 6)) {
        line.append(document.createElement("br"), made("code", field.path));
        if (field.old !== undefined && field.old !== null) line.append(" ", made("del", brief(field.old)));
        if (field.new !== undefined && field.new !== null) line.append(" ", made("ins", brief(field.new)));
      }
      table.append(line);
    }
    const times = made("ul", undefined, "plain quiet");
    const tell = (rule, text) => times.append(made("li", `${rule}: ${text}`));
    for (const [rule, one] of Object.entries(told.moved)) tell(rule, `${one.runs} ${one.runs === 1 ? "run" : "runs"} at another time, up to ${long(one.seconds)} ${one.seconds > 0 ? "later" : "earlier"}`);
    for (const [rule, number] of Object.entries(told.open)) tell(rule, `${number} not known yet, because their time is not over`);
    for (const [rule, keys] of Object.entries(told.untimed)) tell(rule, `stored events do not tell what ${keys.join(" and ")} comes to`);
    place.replaceChildren(
      made("p", `${told.looked_at} of ${told.of} events: ${counted.same} requests the same, ${counted.added} added, ${counted.removed} gone, ${counted.changed} changed.`),
      times,
      table,
    );
  });

  const long = (seconds) => {
    const all = Math.abs(seconds);
    return all < 120 ? `${Math.round(all)} s` : all < 7200 ? `${Math.round(all / 60)} min` : `${Math.round(all / 3600)} h`;
  };

  // A request that came or went is told by its action, a value by itself.
  const brief = (value) => (value && typeof value === "object" && value.action ? value.action : JSON.stringify(value)).slice(0, 120);

  // --- the event that fields are completed from ---

  const chooser = root.querySelector("form[data-explain] select");
  const choose = async () => {
    sample = null;
    if (!chooser?.value) return;
    const answer = await fetch(`/api/v1/events/${chooser.value}`);
    if (answer.ok) sample = await answer.json();
  };
  chooser?.addEventListener("change", choose);

  const keep = (event) => { if (changed()) event.preventDefault(); };
  window.addEventListener("beforeunload", keep);
  paint();
  if (Number(root.dataset.line) > 0) goTo(Number(root.dataset.line), 1);
  check();
  choose().catch(() => {});
})();
