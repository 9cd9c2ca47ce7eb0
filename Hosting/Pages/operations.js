"use strict";
// Whatever comes from the silo goes into the page by textContent or setAttribute, never as markup.
const $ = id => document.getElementById(id);
const number = value => value.toLocaleString("en");
const plural = (count, noun) => `${number(count)} ${noun}${count === 1 ? "" : "s"}`;
const sum = (list, of) => list.reduce((total, one) => total + of(one), 0);
const seconds = value => value < 0.05 ? "0 s" : value < 10 ? value.toFixed(1) + " s" : value < 120 ? Math.round(value) + " s" : value < 7200 ? Math.round(value / 60) + " min" : Math.round(value / 3600) + " h";
const refreshEvery = 3000, readAgainAfter = 10, pageSize = 20;

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined && text !== null) made.textContent = text;
  if (className) made.className = className;
  return made;
}
function cell(label, content, className) {
  const td = element("td", null, className);
  td.dataset.label = label;
  td.append(content);
  return td;
}
const tag = (text, title) => { const made = element("span", text, "tag " + text.toLowerCase().replace(/[^a-z]/g, "")); if (title) made.title = title; return made; };
async function getJson(path, options) {
  const response = await fetch(path, options), body = await response.json().catch(() => null);
  if (!response.ok) throw new Error(body?.detail ?? `${path} answered ${response.status}.`);
  return body;
}

const post = (path, body) => getJson(path, { method: "POST", headers: { "Content-Type": "application/json", "X-ActorStreams": "operate" }, body: JSON.stringify(body) });

// The sums over the partitions of a dataset. The silo says which of their statuses is the most severe.
function totals(dataset) {
  const parts = dataset.partitions;
  return { states: sum(parts, p => p.states), behind: sum(parts, p => p.behind.records), lag: Math.max(...parts.map(p => p.behind.seconds)), age: Math.max(...parts.map(p => p.checkpointAgeSeconds)),
    letters: sum(parts, p => p.openDeadLetters), status: dataset.status, reason: dataset.reason };
}

function showCards(status, all) {
  const parts = status.datasets.flatMap(d => d.partitions), running = parts.filter(p => p.status === "running").length, behind = sum(all, t => t.behind), letters = sum(all, t => t.letters);
  const lag = Math.max(0, ...all.map(t => t.lag)), active = status.silos.filter(s => s.status === "active").length;
  const card = (value, label, bad) => { const li = element("li", null, bad ? "bad" : ""); li.append(element("b", value), element("span", label)); return li; };
  $("cards").replaceChildren(
    card(`${active} of ${status.silos.length}`, "silos active", active < status.silos.length),
    card(`${running} of ${parts.length}`, "partitions folding", running < parts.length),
    card(number(behind), "records behind", false),
    card(seconds(lag), "largest lag", lag > 60),
    card(number(letters), "open dead letters", letters > 0));
  const troubles = [status.notReady, ...status.troubles].filter(one => one);
  const list = element("ul", null, "troubles");
  list.append(...troubles.map(one => element("li", one)));
  $("troubles").replaceChildren(...(troubles.length ? [list] : []));
}

// Lineage. Where there is room each dataset stands one layer to the right of the last of its sources; where it is narrow, as a tree: below its first source, and the others are named.
const boxHeight = 46, boxGap = 18;
function svg(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const key in attributes) made.setAttribute(key, attributes[key]);
  if (text !== undefined) made.textContent = text;
  return made;
}
function lineage(status, all) {
  const nodes = new Map();
  for (const d of status.datasets) if (d.kind === "entity" && !nodes.has("t:" + d.topic)) nodes.set("t:" + d.topic, { kind: "topic", name: d.topic, note: "topic", layer: 0, sources: [] });
  status.datasets.forEach((d, i) => {
    const sources = (d.kind === "entity" ? ["t:" + d.topic] : d.sources.map(s => "d:" + s)).map(s => nodes.get(s)).filter(s => s), t = all[i];
    nodes.set("d:" + d.name, { kind: d.kind, name: d.name, sources, layer: 1 + Math.max(-1, ...sources.map(s => s.layer)), trouble: t.status !== "running" || t.letters > 0,
      note: `${d.kind} · ${plural(t.states, "state")}` + (t.letters ? ` · ${plural(t.letters, "dead letter")}` : "") + (t.behind ? ` · ${number(t.behind)} behind` : "") });
  });
  return [...nodes.values()];
}
function placeInLayers(nodes, room) {
  const layers = [];
  for (const n of nodes) (layers[n.layer] ??= []).push(n);
  // Beside its sources, so that few lines cross.
  layers.forEach(layer => {
    for (const n of layer) n.rank = n.sources.length ? sum(n.sources, s => s.at) / n.sources.length : 0;
    layer.sort((a, b) => a.rank - b.rank).forEach((n, i) => n.at = (i + 0.5) / layer.length);
  });
  const between = 56, wanted = Math.ceil(Math.max(...nodes.map(n => Math.max(n.name.length * 7.8, n.note.length * 6.3)))) + 24;
  const width = Math.max(130, Math.min(wanted, 300, (room - 8 - (layers.length - 1) * between) / layers.length)), bottom = Math.max(...layers.map(l => l.length)) * (boxHeight + boxGap) - boxGap;
  layers.forEach((layer, at) => layer.forEach((n, i) => {
    n.width = width; n.x = 4 + at * (width + between); n.y = 4 + i * (boxHeight + boxGap) + (bottom - layer.length * (boxHeight + boxGap) + boxGap) / 2;
  }));
  const paths = nodes.flatMap(to => to.sources.map(from => {
    const [x1, y1, x2, y2] = [from.x + width, from.y + boxHeight / 2, to.x, to.y + boxHeight / 2];
    return [`M${x1} ${y1} C${x1 + between / 2} ${y1} ${x2 - between / 2} ${y2} ${x2} ${y2}`, `M${x2} ${y2} l-7 -4 v8 z`];
  }));
  return { width: layers.length * (width + between) - between + 8, height: bottom + 8, paths };
}
function placeAsTree(nodes, room) {
  const indent = 22, paths = [];
  let y = 4;
  const place = (n, depth) => {
    [n.x, n.y, n.width] = [4 + depth * indent, y, room - 8 - depth * indent];
    y += boxHeight + 10;
    const [first, ...others] = n.sources;
    if (others.length) n.note += ` · also of ${others.map(s => s.name).join(", ")}`;
    if (first) paths.push([`M${first.x + 10} ${first.y + boxHeight} V${n.y + boxHeight / 2} H${n.x}`, `M${n.x} ${n.y + boxHeight / 2} l-7 -4 v8 z`]);
    nodes.filter(other => other.sources[0] === n).forEach(other => place(other, depth + 1));
  };
  nodes.filter(n => n.sources.length === 0).forEach(n => place(n, 0));
  return { width: room, height: y, paths };
}
function showGraph(status, all) {
  const nodes = lineage(status, all), room = $("graph").clientWidth - 16, placed = room < 620 ? placeAsTree(nodes, room) : placeInLayers(nodes, room);
  const picture = svg("svg", { width: placed.width, height: placed.height, viewBox: `0 0 ${placed.width} ${placed.height}`, role: "img", "aria-label": "Graph of topics, entities and views" });
  for (const [line, tip] of placed.paths) picture.append(svg("path", { class: "edge", d: line }), svg("path", { class: "tip", d: tip }));
  for (const n of nodes) {
    const fit = (text, size) => text.length * size <= n.width - 18 ? text : text.slice(0, Math.floor((n.width - 26) / size)) + "…";
    const group = svg("g", { class: `${n.kind}${n.trouble ? " trouble" : ""}`, transform: `translate(${n.x} ${n.y})` });
    group.append(svg("title", {}, `${n.name}: ${n.note}`), svg("rect", { width: n.width, height: boxHeight, rx: 8 }), svg("text", { x: 10, y: 19 }, fit(n.name, 7.8)), svg("text", { x: 10, y: 36, class: "small" }, fit(n.note, 6.3)));
    picture.append(group);
  }
  $("graph").replaceChildren(picture);
}

const opened = new Set();
function showDatasets(status, all) {
  const rows = [];
  status.datasets.forEach((d, i) => {
    const t = all[i], tr = element("tr"), name = element("button", d.name, "plain"), first = element("span");
    name.type = "button";
    name.setAttribute("aria-expanded", opened.has(d.name));
    name.onclick = () => { opened.has(d.name) ? opened.delete(d.name) : opened.add(d.name); showDatasets(status, all); };
    first.append(opened.has(d.name) ? "▾ " : "▸ ", name, " ", element("span", `${d.kind} v${d.version}, build ${d.build}, ${plural(d.partitions.length, "partition")}`, "kind"));
    tr.append(cell("", first), cell("Folded from", d.sources.join(", ") || d.topic, "wide"), cell("States", number(t.states), "n"), cell("Behind", number(t.behind), "n"), cell("Lag", seconds(t.lag), "n"),
      cell("Checkpoint age", seconds(t.age), "n"), cell("Dead letters", d.kind === "view" ? "–" : number(t.letters), "n"), cell("Status", tag(t.status, t.reason)));
    rows.push(tr);
    if (opened.has(d.name)) rows.push(partitionRows(d));
  });
  $("datasets").replaceChildren(...rows);
}
function partitionRows(dataset) {
  const tr = element("tr", null, "parts"), td = element("td"), table = element("table", null, "fold"), head = element("thead"), heads = element("tr"), body = element("tbody");
  td.colSpan = 8;
  for (const [text, cls] of [["Partition"], ["Owner"], ["Folded up to", "n"], ["States", "n"], ["In memory", "n"], ["Behind", "n"], ["Lag", "n"], ["Checkpoint age", "n"], ["Dead letters", "n"], ["Status"]]) heads.append(element("th", text, cls));
  for (const p of dataset.partitions) {
    const row = element("tr");
    row.append(cell("", `${dataset.topic}/${p.partition}`), cell("Owner", p.silo ?? "–", "wide"), cell("Folded up to", `${number(p.nextOffset)} of ${number(p.endOffset)}`, "n"), cell("States", number(p.states), "n"),
      cell("In memory", number(p.statesInMemory), "n"), cell("Behind", number(p.behind.records), "n"), cell("Lag", seconds(p.behind.seconds), "n"), cell("Checkpoint age", seconds(p.checkpointAgeSeconds), "n"),
      cell("Dead letters", number(p.openDeadLetters), "n"), cell("Status", tag(p.status, p.reason)));
    if (p.stoppedAt !== undefined) row.lastChild.append(" ", setAsideButton(dataset, p));
    body.append(row);
  }
  head.append(heads); table.append(head, body); td.append(table); tr.append(td);
  return tr;
}

// Builds. The buttons of a row are what can be done with it now; the silo refuses what cannot.
function showBuilds(builds) {
  const order = [...new Set(builds.map(b => b.dataset))];
  const sorted = [...builds].sort((a, b) => order.indexOf(a.dataset) - order.indexOf(b.dataset) || b.build - a.build);
  $("builds").replaceChildren(...sorted.map(b => buildRow(b, builds)));
}
function buildRow(b, builds) {
  const tr = element("tr"), first = element("span"), acts = element("td", null, "acts wide"), name = `${b.dataset}@${b.build}`;
  first.append(element("b", name), " ", element("span", `v${b.version} · ${b.made.slice(0, 16).replace("T", " ")}`, "kind"), element("span", b.why, "kind why"));
  if (b.notReady) first.append(element("span", `Not ready: ${b.notReady}`, "kind why"));
  if (b.frozenSince) first.append(element("span", `It lacks the changes since ${b.frozenSince.slice(0, 19).replace("T", " ")}.`, "kind why"));
  const act = (text, path, question, effect, cls) => {
    const button = element("button", text, cls);
    button.type = "button";
    button.onclick = () => change(path, question, effect, text.replace("…", ""));
    acts.append(button);
  };
  const of = encodeURIComponent(b.dataset);
  if (b.status === "ready")
    act("Cutover…", `${of}/cutover`, `Move readers to ${name}?`, "Readers of this dataset, and of all that is connected with it, get the newest builds from now on, in one step. A rollback moves them back.", "do");
  if (b.isActive && builds.some(other => other.dataset === b.dataset && other.status === "previous"))
    act("Rollback…", `${of}/rollback`, `Move readers of '${b.dataset}' back?`, "Readers of this dataset, and of what depends on it, get the builds that they had before, in one step.");
  if (b.isActive && b.status === "active")
    act("Rebuild…", `${of}/rebuild`, `Rebuild '${b.dataset}'?`, "It and what depends on it are folded again, beside what readers get, from the source topics and the stored states. This takes time, and room in the store and the log.");
  if (!b.isActive && b.status !== "retired")
    act("Retire…", `${of}/${b.build}/retire`, `Delete ${name}?`, "Its states and, for a view, its input log are deleted, and so are the builds that it feeds. There is no way back to it.");
  tr.append(cell("", first), cell("Status", buildTag(b)), cell("States", number(b.states), "n"), cell("Progress", progressOf(b), "far wide"), cell("Behind", number(b.behindRecords), "n"), acts);
  return tr;
}
function buildTag(b) {
  const span = element("span");
  span.append(tag(b.status));
  if (b.isActive && b.status !== "active") span.append(" ", tag("active"));
  return span;
}
function progressOf(b) {
  const span = element("span");
  if (b.progress === null) return element("span", "–");
  if (b.status === "building" || b.backfill) {
    const bar = element("progress");
    [bar.max, bar.value] = [1, b.progress];
    bar.setAttribute("aria-label", `Progress of ${b.dataset}@${b.build}`);
    span.append(bar);
  }
  const text = [`${(100 * b.progress).toFixed(b.progress === 1 ? 0 : 1)} %`, b.status === "building" && `${plural(b.folded, "record")}`, b.recordsPerSecond !== null && `${number(Math.round(b.recordsPerSecond))} a second`,
    b.secondsLeft !== null && `${seconds(b.secondsLeft)} left`, b.backfill && `${number(b.backfill.statesSent)} of ${plural(b.backfill.statesToSend, "state")} sent, in ${Math.round(100 * b.backfill.share)} % of the time`];
  span.append(element("span", text.filter(one => one).join(" · "), "kind"));
  return span;
}
async function change(path, question, effect, word) {
  if (!await confirmed(question, effect, word)) return;
  try {
    $("notice").textContent = `${word}…`;
    showBuilds(await getJson("/api/builds/" + path, { method: "POST", headers: { "X-ActorStreams": "operate" } }));
    $("notice").textContent = `${word}: done.`;
  } catch (error) { $("notice").textContent = error.message; }
  await refresh();
}
function setAsideButton(dataset, p) {
  const go = element("button", "Set aside…"), where = `${dataset.topic}/${p.partition}:${p.stoppedAt}`;
  go.type = "button";
  go.onclick = async () => {
    if (!await confirmed(`Set ${where} aside?`, `'${dataset.name}' does not fold this record and continues with the next one. The record becomes a dead letter. ${p.reason ?? ""}`, "Set aside")) return;
    try {
      $("notice").textContent = "Setting aside…";
      await post("/api/dead-letters/set-aside", { dataset: dataset.name, partition: p.partition, offset: p.stoppedAt });
      $("notice").textContent = `${where} is set aside, and '${dataset.name}' continues.`;
    } catch (error) { $("notice").textContent = error.message; }
    await refresh();
  };
  return go;
}
function showSilos(status) {
  $("silos").replaceChildren(...status.silos.map(s => {
    const tr = element("tr"), name = element("span");
    name.append(s.name, s.isThis ? element("span", " this one", "kind") : "");
    tr.append(cell("", name), cell("Address", s.address, "wide"), cell("Partitions", number(s.partitions), "n"), cell("States", number(s.states), "n"), cell("Behind", number(s.behindRecords), "n"), cell("Status", tag(s.status)));
    return tr;
  }));
}

// Dead letters: the pages that were asked for, kept while they are being read again.
let pages = 1, shownKey = "", details = new Map(), lettersOf = "", unread = 0;
async function showLetters(open) {
  // A page may have to look through many records, so it is asked for when something has changed, and now and then.
  const now = JSON.stringify([open, pages, $("state").value, $("dataset").value]);
  if (shownKey && now === lettersOf && ++unread < readAgainAfter) return;
  [lettersOf, unread] = [now, 0];
  const query = new URLSearchParams({ limit: pageSize }), items = [];
  if ($("state").value) query.set("state", $("state").value);
  if ($("dataset").value) query.set("dataset", $("dataset").value);
  let next = null;
  for (let page = 0; page < pages; page++) {
    if (next !== null) query.set("before", next);
    const answer = await getJson("/api/dead-letters?" + query);
    items.push(...answer.items);
    if ((next = answer.next) === null) break;
  }
  const key = JSON.stringify([items, next]);
  if (key === shownKey) return; // nothing moves under the reader's hand
  shownKey = key;
  const rows = items.map(letterRow);
  if (items.length === 0) rows.push(element("p", $("state").value === "open" ? "Nothing is set aside and still to be folded." : "None.", "empty"));
  if (next !== null) {
    const more = element("button", "Show older ones"), bar = element("div", null, "bar");
    more.type = "button"; more.onclick = () => { pages++; refresh(); };
    bar.append(more); rows.push(bar);
  }
  $("letters").replaceChildren(...rows);
}
function letterRow(letter) {
  const row = element("div", null, "letter"), where = element("div", null, "where"), acts = element("div", null, "acts"), more = element("div", null, "more"), show = element("button", "Show"), go = element("button", "Redrive…", "do"), drop = element("button", "Dismiss…");
  where.append(tag(letter.state, letter.refusal), ` ${letter.dataset} · key `, element("b", letter.key ?? (letter.keyBase64 ? "(not text)" : "(none)")), ` · ${letter.position.topic}/${letter.position.partition}:${letter.position.offset}`
    + (letter.index ? `#${letter.index}` : "") + (letter.time ? ` · ${letter.time.slice(0, 19).replace("T", " ")}` : "") + (letter.valueBytes !== null ? ` · ${plural(letter.valueBytes, "byte")}` : "")
    + (letter.first ? ` · failed again, first ${letter.first}` : ""));
  if (letter.dismissed) where.append(element("div", `dismissed by ${letter.dismissed.by}, ${letter.dismissed.at.slice(0, 19).replace("T", " ")}: ${letter.dismissed.reason}`));
  show.type = go.type = drop.type = "button";
  const fill = body => more.replaceChildren(...body);
  if (details.has(letter.id)) { fill(details.get(letter.id)); show.textContent = "Hide"; }
  show.onclick = async () => {
    if (details.delete(letter.id)) { more.replaceChildren(); show.textContent = "Show"; return; }
    const body = await letterDetails(letter);
    details.set(letter.id, body); fill(body); show.textContent = "Hide";
  };
  go.disabled = !letter.canRedrive;
  if (letter.refusal) go.title = letter.refusal;
  go.onclick = () => redrive(`Redrive this dead letter of '${letter.dataset}'?`, { ids: [letter.first ?? letter.id] });
  drop.disabled = letter.state !== "open" && letter.state !== "unknown";
  drop.onclick = () => dismiss(letter);
  acts.append(show, " ", drop, " ", go);
  row.append(element("div", letter.reason, "reason"), acts, where, more);
  return row;
}
async function letterDetails(letter) {
  try {
    const full = await getJson("/api/dead-letters/" + encodeURIComponent(letter.id)), body = [];
    if (full.refusal) body.push(element("p", full.refusal));
    body.push(element("pre", full.value ?? (full.valueBase64 ? "(base64) " + full.valueBase64 : "(no value)")));
    if (!full.complete) body.push(element("p", "Only the beginning is kept here; the whole record is at the position."));
    if (full.error) body.push(element("pre", full.error));
    return body;
  } catch (error) { return [element("p", error.message)]; }
}
function confirmed(question, effect, yes) {
  $("ask").textContent = question;
  $("effect").textContent = effect;
  $("yes").textContent = yes;
  $("confirm").returnValue = "no";
  $("confirm").showModal();
  return new Promise(resolve => $("confirm").addEventListener("close", () => resolve($("confirm").returnValue === "yes"), { once: true }));
}
async function redrive(question, request) {
  if (!await confirmed(question, "Each is appended again to the end of its partition and folded once, after what came later. Do this only with silos that run the mended definition.", "Redrive")) return;
  const total = { folded: 0, pending: 0, again: 0, done: 0, refused: [] };
  try {
    $("notice").textContent = "Redriving…";
    for (let from = null, until = null; ;) {
      const answer = await post("/api/dead-letters/redrive", { ...request, dryRun: false, from, until });
      for (const one of answer.appended) total[{ folded: "folded", "failed again": "again" }[one.outcome] ?? "pending"]++;
      total.done += answer.done.length; total.refused.push(...answer.refused);
      if (answer.next === null) break;
      [from, until] = [answer.next, answer.end];
      $("notice").textContent = `Redriving… ${number(total.folded)} folded so far.`;
    }
    $("notice").textContent = [`${number(total.folded)} folded`, total.pending && `${number(total.pending)} appended and still to be folded`, total.again && `${number(total.again)} failed again`,
      total.done && `${number(total.done)} folded before`, total.refused.length && `${number(total.refused.length)} refused: ${total.refused[0].reason}`].filter(one => one).join(", ") + ".";
  } catch (error) { $("notice").textContent = error.message; }
  shownKey = "";
  await refresh();
}

async function dismiss(letter) {
  $("reason").hidden = false; $("why").value = "";
  const yes = await confirmed(`Dismiss this dead letter of '${letter.dataset}'?`, "It is no longer open, and no redrive of all open ones includes it. Nothing that is folded changes.", "Dismiss");
  $("reason").hidden = true;
  if (!yes) return;
  try {
    const answer = await post("/api/dead-letters/dismiss", { ids: [letter.first ?? letter.id], reason: $("why").value });
    $("notice").textContent = answer.refused.length ? answer.refused[0].reason : answer.done.length ? "It was dismissed before." : "It is dismissed.";
  } catch (error) { $("notice").textContent = error.message; }
  shownKey = "";
  await refresh();
}

let busy = false;
async function refresh() {
  if (busy) return;
  busy = true;
  try {
    const status = await getJson("/operations/status"), all = status.datasets.map(totals);
    showCards(status, all); showGraph(status, all); showDatasets(status, all); showSilos(status);
    const entities = ["", ...status.datasets.map(d => d.name)];
    if ($("dataset").options.length !== entities.length) $("dataset").replaceChildren(...entities.map(name => { const option = element("option", name || "all datasets"); option.value = name; return option; }));
    showBuilds(await getJson("/operations/builds"));
    await showLetters(all.map(t => t.letters));
    $("live").textContent = `${status.application} · seen by ${status.silo} at ${new Date(status.time).toLocaleTimeString("en-GB")}`;
    $("live").className = "live";
  } catch (error) {
    $("live").textContent = `No answer: ${error.message} Trying again.`;
    $("live").className = "live off";
  } finally { busy = false; }
}
for (const id of ["state", "dataset"]) $(id).onchange = () => { pages = 1; shownKey = ""; refresh(); };
$("all").onclick = () => redrive($("dataset").value ? `Redrive all open dead letters of '${$("dataset").value}'?` : "Redrive all open dead letters?", $("dataset").value ? { dataset: $("dataset").value } : { all: true });
addEventListener("resize", () => refresh());
setInterval(() => { if (!document.hidden) refresh(); }, refreshEvery);
refresh();
