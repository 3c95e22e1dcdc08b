// @ts-check
/**
 * The operator's page: asks /ops/data every few seconds while it is looked at, and draws it.
 * Elements are made, never written as markup: the page's policy allows no other way.
 */

const EVERY_MS = 3000;
const HOUR_SECS = 3600;
const SEGMENTS = ["stt", "turn", "llm", "sentence", "tts", "release"];
const SVG = "http://www.w3.org/2000/svg";

/** @param {string} id */
const find = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 * @param {...(Node | string)} children
 */
function html(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

/**
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 * @param {string} text
 */
function svg(name, attributes, text = "") {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  if (text !== "") element.textContent = text;
  return element;
}

/**
 * Sizes by script: a style attribute would be refused by the page's policy.
 * @param {HTMLElement} element
 * @param {Record<string, string>} style
 */
function styled(element, style) {
  for (const [name, value] of Object.entries(style)) element.style.setProperty(name, value);
  return element;
}

/** @param {number[]} values @param {number} part */
function percentile(values, part) {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? null;
}

/** @param {number | null} secs */
const ms = (secs) => (secs === null ? "–" : `${Math.round(secs * 1000)} ms`);

/** @param {number} secs */
function span(secs) {
  if (secs < 90) return `${Math.round(secs)} s`;
  if (secs < 5400) return `${Math.round(secs / 60)} min`;
  return `${(secs / 3600).toFixed(1)} h`;
}

const HEIGHT = 150;
const LEFT = 38;
const BOTTOM = 28;
const LEAST_SPAN_SECS = 300;

/**
 * A plot with its grid, as wide as its place and as long as the server has run, up to an hour.
 * @param {HTMLElement} place where it is drawn
 * @param {any} data
 * @param {string} title what a screen reader says
 * @param {number} top the highest value
 * @param {(value: number) => string} name how a value is written
 */
function plot(place, data, title, top, name) {
  const width = Math.max(place.clientWidth, 240);
  const oldest = data.samples[0]?.ago_secs ?? 0;
  const spanSecs = Math.min(Math.max(oldest, LEAST_SPAN_SECS), HOUR_SECS);
  const root = svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": title });
  const up = (/** @type {number} */ value) => (HEIGHT - BOTTOM) * (1 - Math.min(value, top) / top) + 8;
  const across = (/** @type {number} */ agoSecs) => LEFT + (1 - Math.min(agoSecs, spanSecs) / spanSecs) * (width - LEFT);
  for (const part of [0, 0.5, 1]) {
    const y = up(top * part);
    root.append(svg("line", { class: "grid", x1: LEFT, x2: width, y1: y, y2: y }));
    root.append(svg("text", { x: LEFT - 5, y: y + 4, "text-anchor": "end" }, name(top * part)));
  }
  for (const part of [1, 0.5, 0]) {
    const anchor = part === 1 ? "start" : part === 0 ? "end" : "middle";
    const text = part === 0 ? "now" : `-${Math.round((spanSecs * part) / 6) / 10} min`;
    root.append(svg("text", { x: across(spanSecs * part), y: HEIGHT - 3, "text-anchor": anchor }, text));
  }
  place.replaceChildren(root);
  return { root, up, across };
}

/** @param {{ x: number, y: number }[]} points */
const path = (points) => points.map(({ x, y }, at) => `${at === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

/** @param {any} data */
function drawWaits(data) {
  const secs = data.waits.map((/** @type {any} */ wait) => wait.secs);
  const top = Math.max(1, Math.ceil((percentile(secs, 0.98) ?? 1) * 2) / 2);
  const { root, up, across } = plot(find("waits"), data, `Question to answer: median ${ms(percentile(secs, 0.5))}, 95th percentile ${ms(percentile(secs, 0.95))}, ${secs.length} turns`, top, (value) => `${value.toFixed(1)} s`);
  /** @type {Map<number, number[]>} */
  const minutes = new Map();
  for (const wait of data.waits) {
    root.append(svg("circle", { class: "dot", cx: across(wait.ago_secs), cy: up(wait.secs), r: 2.5 }));
    const minute = Math.floor(wait.ago_secs / 60);
    minutes.set(minute, [...(minutes.get(minute) ?? []), wait.secs]);
  }
  const medians = [...minutes].sort(([a], [b]) => b - a).map(([minute, values]) => ({ x: across(minute * 60 + 30), y: up(percentile(values, 0.5) ?? 0) }));
  root.append(svg("path", { class: "median", d: path(medians) }));
}

/** @param {any} data */
function drawLoad(data) {
  const top = Math.max(data.now.max_sessions, 1);
  const { root, up, across } = plot(find("load"), data, `Sessions of ${top}, and CPU, over the last hour`, top, (value) => String(Math.round(value * 10) / 10));
  const samples = data.samples;
  root.append(svg("path", { class: "line-sessions", d: path(samples.map((/** @type {any} */ one) => ({ x: across(one.ago_secs), y: up(one.sessions) }))) }));
  const cpu = samples.filter((/** @type {any} */ one) => one.cpu_ratio !== null);
  root.append(svg("path", { class: "line-cpu", d: path(cpu.map((/** @type {any} */ one) => ({ x: across(one.ago_secs), y: up(one.cpu_ratio * top) }))) }));
}

/** Of an operator's own currency. @param {number} amount */
function money(amount) {
  return amount < 1 ? amount.toPrecision(2) : amount.toFixed(2);
}

/** @param {any} data */
function drawTiles(data) {
  const secs = data.waits.map((/** @type {any} */ wait) => wait.secs);
  const last = data.samples.at(-1);
  const { now } = data;
  const talked = /** @type {number[]} */ (Object.values(data.talked_secs)).reduce((sum, one) => sum + one, 0);
  const price = data.price_per_minute;
  const spent = /** @type {[string, number][]} */ (Object.entries(data.spent));
  const wrong = /** @type {number[]} */ (Object.values(data.errors)).reduce((sum, one) => sum + one, 0);
  const tiles = [
    ["Sessions", `${now.sessions} of ${now.max_sessions}`, now.refusal === null ? "one more is taken" : now.refusal],
    ["Answer, median", ms(percentile(secs, 0.5)), `p95 ${ms(percentile(secs, 0.95))}, ${secs.length} turns`],
    ["CPU", last?.cpu_ratio == null ? "–" : `${Math.round(last.cpu_ratio * 100)} %`, "of the machine"],
    ["Loop lag", last === undefined ? "–" : `${last.lag_ms} ms`, "p95, latest process"],
    ["Processes", String(now.processes.filter((/** @type {any} */ one) => one.warm).length), `${now.restarts} restarted, ${now.renewals} renewed`],
    ["Errors", String(wrong), "in the last hour"],
    ["Talked", span(talked), price > 0 ? `about ${money(talked / 60 * price)}` : "since the start"],
    ...(spent.length === 0 ? [] : [["Providers", money(spent.reduce((sum, [, cost]) => sum + cost, 0)), spent.map(([name, cost]) => `${name} ${money(cost)}`).join(", ")]]),
  ];
  find("tiles").replaceChildren(...tiles.map(([title, value, note]) => html("li", {}, html("span", {}, title ?? ""), html("strong", {}, value ?? ""), html("em", {}, note ?? ""))));
}

/** @param {any} data */
function drawErrors(data) {
  const rows = [...Object.entries(data.errors), ...Object.entries(data.refused).map(([code, times]) => [`/connect ${code}`, times])];
  if (rows.length === 0) {
    find("errors").replaceChildren(html("p", { class: "soft" }, "Nothing."));
    return;
  }
  const most = Math.max(...rows.map(([, times]) => Number(times)));
  const bars = html("div", { class: "bars" });
  for (const [code, times] of rows.sort(([, a], [, b]) => Number(b) - Number(a))) {
    bars.append(html("code", {}, String(code)), styled(html("i"), { width: `${(Number(times) / most) * 100}%` }), String(times));
  }
  find("errors").replaceChildren(bars);
}

/**
 * @param {string} id
 * @param {string[]} head
 * @param {(string | number)[][]} rows
 */
function table(id, head, rows) {
  find(id).replaceChildren(
    html("thead", {}, html("tr", {}, ...head.map((cell) => html("th", { scope: "col" }, cell)))),
    html("tbody", {}, ...rows.map((row) => html("tr", {}, ...row.map((cell) => html("td", {}, String(cell)))))),
  );
}

/** @param {any} data */
function drawTables(data) {
  table(
    "processes",
    ["", "sessions", "so far", "loop lag", "CPU"],
    data.now.processes.map((/** @type {any} */ one, /** @type {number} */ at) => [one.warm ? `process ${at}` : `process ${at} (starting)`, one.sessions, one.begun, `${one.lag_ms} ms`, one.cpu_cores]),
  );
  find("servers-card").hidden = data.servers.length === 0;
  table(
    "servers",
    ["server", "sessions", "at most", "one more"],
    data.servers.map((/** @type {any} */ one) => [one.is_here ? `${one.url} (this one)` : one.url, one.sessions, one.max_sessions, one.refuses ?? "is taken"]),
  );
  const price = data.price_per_minute;
  const day = data.minutes_per_day;
  find("sites-note").textContent = `Since the server's start${day === null ? "" : `; a day's budget is ${Math.round(day)} minutes a site`}.`;
  table(
    "sites",
    ["site", "talked", price > 0 ? "about" : ""],
    Object.entries(data.talked_secs).map(([site, secs]) => [site, span(Number(secs)), price > 0 ? money(Number(secs) / 60 * price) : ""]),
  );
}

/** Sessions whose timeline is open; drawing anew must not close them. @type {Set<string>} */
const opened = new Set();

/** @param {any} session */
function timeline(session) {
  const track = html("div", { class: "track", role: "img", "aria-label": `${session.turns.length} turns in ${span(session.lasted_secs)}` });
  /** @param {number} at @param {string} kind */
  const mark = (at, kind) => {
    track.append(styled(html("span", { class: `mark ${kind}` }), { left: `${(at / Math.max(session.lasted_secs, 1)) * 100}%` }));
  };
  if (session.ready_secs !== null) mark(session.ready_secs, "ready");
  for (const turn of session.turns) mark(turn.at_secs, "");
  const longest = Math.max(1, ...session.turns.map((/** @type {any} */ turn) => total(turn)));
  const rows = html("div", { class: "turns" });
  for (const turn of session.turns) {
    const stack = styled(html("div", { class: "stack" }), { width: `${(total(turn) / longest) * 100}%` });
    for (const name of SEGMENTS) {
      const secs = turn.segments_secs[name] ?? 0;
      stack.append(styled(html("i", { class: name, title: `${name} ${ms(secs)}` }), { width: `${(secs / (total(turn) || 1)) * 100}%` }));
    }
    rows.append(html("span", {}, `+${span(turn.at_secs)}`), stack, html("span", {}, ms(total(turn))));
  }
  const errors = Object.entries(session.errors).map(([code, times]) => `${code} ×${times}`).join(", ");
  return [track, rows, ...(errors === "" ? [] : [html("p", { class: "bad" }, errors)])];
}

/** @param {any} turn @returns {number} */
const total = (turn) => SEGMENTS.reduce((sum, name) => sum + (turn.segments_secs[name] ?? 0), 0);

/** @param {any} data */
function drawSessions(data) {
  const list = data.sessions.map((/** @type {any} */ session) => {
    const ended = session.reason !== null;
    const summary = html(
      "summary",
      {},
      html("span", ended ? {} : { class: "live" }, ended ? session.reason : "live"),
      html("code", {}, session.id),
      html("span", {}, `${span(session.ago_secs)} ago, ${span(session.lasted_secs)}`),
      html("span", {}, `${session.turns.length} turns`),
      html("span", { class: "soft" }, session.site),
    );
    const details = /** @type {HTMLDetailsElement} */ (html("details", {}, summary));
    details.open = opened.has(session.id);
    if (details.open) details.append(...timeline(session));
    details.addEventListener("toggle", () => {
      if (!details.open) opened.delete(session.id);
      else if (!opened.has(session.id)) {
        opened.add(session.id);
        details.append(...timeline(session));
      }
    });
    return details;
  });
  find("sessions").replaceChildren(...(list.length === 0 ? [html("p", { class: "soft" }, "Nobody has called yet.")] : list));
}

/** @param {any} data */
function draw(data) {
  drawTiles(data);
  drawWaits(data);
  drawLoad(data);
  drawErrors(data);
  drawTables(data);
  // Somebody may be reading there with a keyboard.
  if (!find("sessions").contains(document.activeElement)) drawSessions(data);
}

/** @param {boolean} isIn */
function show(isIn) {
  find("login").hidden = isIn;
  find("board").hidden = !isIn;
  if (!isIn) find("password").focus();
}

async function refresh() {
  try {
    const answer = await fetch("/ops/data", { cache: "no-store" });
    if (answer.status === 401) {
      show(false);
      return;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    const data = await answer.json();
    show(true);
    find("state").textContent = "";
    draw(data);
  } catch {
    find("state").textContent = "The server does not answer; what is shown is old.";
  }
}

find("login-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = /** @type {HTMLInputElement} */ (find("password"));
  void (async () => {
    const answer = await fetch("/ops/login", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ password: field.value }) });
    if (answer.ok) {
      field.value = "";
      find("login-error").textContent = "";
      await refresh();
    } else if (answer.status === 429) {
      find("login-error").textContent = `Too many tries. Again in ${answer.headers.get("retry-after") ?? "60"} s.`;
    } else {
      find("login-error").textContent = "The password is wrong.";
    }
  })();
});
find("logout").addEventListener("click", () => {
  void fetch("/ops/logout", { method: "POST" }).then(() => {
    show(false);
  });
});
find("segments").append(...SEGMENTS.flatMap((name) => [html("span", { class: `key ${name}` }), `${name} `]));

await refresh();
setInterval(() => {
  if (!document.hidden && find("login").hidden) void refresh();
}, EVERY_MS);

export {};
