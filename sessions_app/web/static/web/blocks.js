// The blocks that only show something: an element each, and how a further chunk changes it.

import { barChart, lineChart } from "./charts.js";
import { make } from "./dom.js";
import { showMarkdown } from "./markdown.js";

/** @typedef {{element: HTMLElement, body?: HTMLElement, add?: (data: any) => void}} Block */

/** Makers by block type; each takes the data of the block's first chunk. */
export const BLOCKS = {
  markdown,
  table,
  bar_chart: (data) => ({ element: barChart(data) }),
  line_chart: (data) => ({ element: lineChart(data) }),
  input_echo: said,
  system_prompt: (data) => ({ element: make("p", { className: "system" }, data.content) }),
  spinner: progress,
  action: progress,
  container: (data) => layout(data, "container"),
  columns: (data) => layout(data, "columns", data.column_count),
  form: (data) => layout(data, "form"),
  exit,
};

/** Drawn once a frame, however many tokens came in it. */
function markdown(data) {
  const element = make("div", { className: "markdown" });
  let text = "";
  let isDue = false;
  function draw() {
    isDue = false;
    showMarkdown(element, text);
  }
  function add(chunk) {
    text += chunk.content;
    if (!isDue) requestAnimationFrame(draw);
    isDue = true;
  }
  add(data);
  return { element, add };
}

function table(data) {
  const body = make("tbody");
  const headings = data.columns.map((name) => make("th", { scope: "col" }, name));
  const head = make("tr", {}, ...headings);
  const grid = make("table", { className: `border-${data.border}` }, make("thead", {}, head), body);
  function add(chunk) {
    if (body.rows.length === 0) alignHeadings(headings, chunk.rows[0] ?? []);
    for (const row of chunk.rows) body.append(make("tr", {}, ...row.map(cell)));
  }
  add(data);
  return { element: make("div", { className: "scroll", tabIndex: 0 }, grid), add };
}

/** A heading stands where its column's values do; the first row tells. */
function alignHeadings(headings, row) {
  for (const [column, heading] of headings.entries()) heading.className = sideOf(row[column]);
}

function cell(value) {
  return make("td", { className: sideOf(value) }, String(value));
}

function sideOf(value) {
  return typeof value === "number" ? "number" : "";
}

/** What the user said, on the user's side. */
export function said(data) {
  const element = make("p", { className: "said" }, data.content);
  return { element, add: (chunk) => element.append(chunk.content) };
}

function progress(data) {
  const message = make("span", {}, data.message ?? "");
  const element = make("p", { className: "progress", role: "status" }, message);
  function add(chunk) {
    element.classList.toggle("complete", chunk.status === "complete");
    if (chunk.message !== null) message.textContent = chunk.message;
  }
  add(data);
  return { element, add };
}

function layout(data, name, columns = 1) {
  const body = make("div", { className: `${name}-body` });
  body.style.setProperty("--columns", String(columns));
  const element = make("section", { className: `layout ${name}` }, body);
  element.classList.toggle("bordered", data.showBorder);
  return { element, body };
}

function exit(data) {
  const element = make("section", { className: `exit ${data.exit_code === 0 ? "good" : "bad"}` });
  element.append(make("p", { className: "reason" }, data.reason ?? `Ended with exit code ${data.exit_code}.`));
  if (data.return_value && data.return_type !== "NoneType") {
    element.append(make("pre", { className: "result" }, data.return_value));
  }
  return { element };
}
