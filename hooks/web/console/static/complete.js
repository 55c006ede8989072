// What may stand at a place of a rules file: by the file's JSON Schema, and for expressions by the fields of an event.
"use strict";

(() => {
  let schema = null;
  const loaded = async () => {
    if (!schema) schema = fetch("/api/v1/rules/schema").then((answer) => (answer.ok ? answer.json() : {}));
    return schema;
  };

  const indent = (line) => /^ */.exec(line)[0].length;

  // The lines above say where a line belongs: [["rules"], [0], ["do"], [0]], each with the keys that stand beside it.
  const contextOf = (lines, place, depth) => {
    const path = [];
    let limit = depth;
    let beside = {};
    const siblings = [beside];
    for (let at = place - 1; at >= 0 && limit > 0; at -= 1) {
      const line = lines[at];
      if (!line.trim() || line.trim().startsWith("#")) continue;
      let here = indent(line);
      const item = /^( *)- (.*)$/.exec(line);
      const inner = item ? item[2] : line.trim();
      const keyed = /^([\w.-]+):(?:\s+(.*))?$/.exec(inner);
      if (item && here + 2 <= limit) {
        if (keyed && here + 2 === limit) siblings[0][keyed[1]] = plain(keyed[2]);
        else if (keyed && here + 2 < limit) { path.unshift(keyed[1]); siblings.unshift({ [keyed[1]]: plain(keyed[2]) }); }
        path.unshift(0);
        siblings.unshift({});
        limit = here;
        // the list's own key stands at the same depth or further to the left
        for (at -= 1; at >= 0; at -= 1) {
          const above = lines[at];
          if (!above.trim() || above.trim().startsWith("#") || indent(above) > here) continue;
          const owner = /^( *)(- )?([\w.-]+):\s*$/.exec(above);
          if (/^ *- /.test(above) && indent(above) === here) continue;
          if (owner) {
            path.unshift(owner[3]);
            siblings.unshift({});
            limit = indent(above) + (owner[2] ? 2 : 0);
            if (owner[2]) { at += 1; }
          }
          break;
        }
        continue;
      }
      if (here < limit && keyed) {
        path.unshift(keyed[1]);
        siblings.unshift({});
        limit = here;
      } else if (here === limit && keyed) siblings[0][keyed[1]] = plain(keyed[2]);
      beside = siblings[0];
    }
    return { path, siblings };
  };

  const plain = (text) => (text ?? "").trim().replace(/^["']|["']$/g, "");

  // All schemas that hold at a place, with references followed, alternatives taken, and conditions asked.
  const expand = (whole, node, value, into = [], depth = 0) => {
    if (!node || typeof node !== "object" || depth > 12) return into;
    if (node.$ref) return expand(whole, whole.$defs?.[node.$ref.replace("#/$defs/", "")], value, into, depth + 1);
    into.push(node);
    for (const part of [...(node.anyOf ?? []), ...(node.oneOf ?? []), ...(node.allOf ?? [])]) expand(whole, part, value, into, depth + 1);
    if (node.if) expand(whole, holds(node.if, value) ? node.then : node.else, value, into, depth + 1);
    return into;
  };

  const holds = (condition, value) => Object.entries(condition.properties ?? {}).every(([name, wanted]) => {
    const found = value[name];
    if (found === undefined) return false;
    if (wanted.const !== undefined) return String(wanted.const) === found;
    if (wanted.enum) return wanted.enum.map(String).includes(found);
    return true;
  });

  const descend = (whole, nodes, step, value) => nodes.flatMap((node) => {
    if (step === 0) return node.items ? expand(whole, node.items, value) : [];
    const next = node.properties?.[step] ?? (typeof node.additionalProperties === "object" ? node.additionalProperties : null);
    return next ? expand(whole, next, value) : [];
  });

  const names = ["id", "type", "source", "vendor", "time", "received_at", "subject", "data", "raw", "steps", "vars"];
  const inEvent = (event, written) => {
    const parts = written.split(".");
    const word = parts.pop();
    if (!parts.length) return { word, items: names.map((label) => ({ label })) };
    let found = event;
    for (const part of parts) found = found && typeof found === "object" ? found[part.replace(/\[.*/, "")] : undefined;
    if (Array.isArray(found)) found = found[0];
    if (!found || typeof found !== "object") return { word, items: [] };
    return { word, items: Object.entries(found).map(([label, value]) => ({
      label, told: typeof value === "object" && value !== null ? (Array.isArray(value) ? "a list" : "…") : JSON.stringify(value).slice(0, 40),
    })) };
  };

  const fitting = (found) => ({
    word: found.word,
    items: found.items.filter((one) => one.label !== found.word && one.label.toLowerCase().includes(found.word.toLowerCase()))
      .sort((one, other) => other.label.startsWith(found.word) - one.label.startsWith(found.word)),
  });

  window.completions = async (text, caret, event) => {
    const lines = text.slice(0, caret).split("\n");
    const all = text.split("\n");
    const line = lines.at(-1);
    const place = lines.length - 1;
    if (/(^|\s)#/.test(line)) return { word: "", items: [] };
    const hole = /\$\{([^}]*)$/.exec(line);
    const expression = hole ? hole[1] : /^\s*(?:- )?(?:when|if|once_per|by|match|in_order_by):\s(.*)$|^\s*- ([^:]*)$/.exec(line)?.slice(1).find((part) => part !== undefined);
    const depth = indent(line) + (/^ *- /.test(line) ? 2 : 0);
    const written = /[\w.[\]]*$/.exec(expression ?? "")[0];
    const { path, siblings } = contextOf(lines, place, depth);
    if (/^ *- /.test(line)) { path.push(0); siblings.push({}); }
    if (hole || (expression !== undefined && event && (path.includes("when") || !/^\s*- /.test(line)))) return fitting(inEvent(event ?? {}, written));
    for (let below = place + 1; below < all.length && (indent(all[below]) >= depth || !all[below].trim()); below += 1) {
      const keyed = indent(all[below]) === depth ? /^([\w.-]+):(?:\s+(.*))?$/.exec(all[below].trim()) : null;
      if (keyed) siblings.at(-1)[keyed[1]] = plain(keyed[2]);
    }
    const whole = await loaded();
    const inner = line.replace(/^ *(- )?/, "");
    const keyed = /^([\w.-]+):\s+(\S*)$/.exec(inner);
    let nodes = expand(whole, whole, siblings[0] ?? {});
    path.forEach((step, number) => { nodes = descend(whole, nodes, step, siblings[number + 1] ?? {}); });
    if (keyed) {
      const values = descend(whole, nodes, keyed[1], {});
      const words = values.flatMap((node) => node.enum ?? (node.type === "boolean" ? ["true", "false"] : []));
      return fitting({ word: keyed[2], items: [...new Set(words.map(String))].map((label) => ({ label })) });
    }
    if (!/^[\w.-]*$/.test(inner)) return { word: "", items: [] };
    const keys = new Map(nodes.flatMap((node) => Object.entries(node.properties ?? {})));
    const items = [...keys].filter(([label]) => !(label in siblings.at(-1))).map(([label, one]) => ({
      label, insert: `${label}: `, told: (one?.description ?? "").slice(0, 90),
    }));
    return fitting({ word: inner, items });
  };
})();
