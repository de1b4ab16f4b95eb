// Bar and line charts, drawn by uPlot.

import uPlot from "../vendor/uplot/uPlot.esm.js";
import { make } from "./dom.js";

const COLOURS = ["#4c78a8", "#f58518", "#54a24b", "#e45756", "#72b7b2", "#b279a2", "#eeca3b", "#9d755d"];
const HEIGHT = 280;
const BAR_ROW = 34; // of a horizontal chart
const MAX_HEIGHT = 8000; // browsers draw nothing on a canvas that is much larger
const MANY_TICKS = 60; // more get no points, just the line
const HORIZONTAL = 0;
const VERTICAL = 1;
const BOTTOM = 2;
const LEFT = 3;

/** @param {any} data of a bar_chart event */
export function barChart(data) {
  const names = seriesNames(data, data.colour_categories);
  const isGrouped = !data.stack && names.length > 1;
  const { positions, centres, rows } = isGrouped ? grouped(data) : stacked(data);
  // Of a stack the longest bars are drawn first, so that the shorter ones stay in sight.
  const order = names.map((_, row) => (isGrouped ? row : names.length - 1 - row));
  const labels = new Map(centres.map((at, category) => [at, data.x_categories[category]]));
  const x = { ...categoryAxis(data.x_label, labels), splits: () => centres };
  const range = () => [positions[0] - 0.7, positions.at(-1) + 0.7];
  return figure(data.x_label, {
    height: data.horizontal ? horizontalHeight(positions.length) : HEIGHT,
    data: [positions, ...order.map((row) => rows[row])],
    series: order.map((row) => ({
      label: names[row],
      fill: colour(data, row),
      paths: uPlot.paths.bars({ size: [0.8, 64] }),
      points: { show: false },
      value: (_, drawn, __, at) => shown(isGrouped ? drawn : data.y_values[row][at]),
    })),
    scales: orientedScales(data.horizontal, range),
    axes: orientedAxes(data.horizontal, x, data.y_label),
  });
}

/** @param {any} data of a line_chart event */
export function lineChart(data) {
  const ticks = data.x_ticks;
  const isNumeric = ticks.every((tick) => typeof tick === "number");
  const order = ticks.map((_, index) => index);
  if (isNumeric) order.sort((one, other) => ticks[one] - ticks[other]); // uPlot draws from left to right
  const labels = new Map(ticks.map((tick, index) => [index, String(tick)]));
  const x = isNumeric ? axis(data.x_label) : { ...categoryAxis(data.x_label, labels), splits: wholeNumbers };
  const series = seriesNames(data, data.colour_series).map((label, row) => ({
    label,
    stroke: colour(data, row),
    width: 2,
    points: { show: ticks.length < MANY_TICKS, fill: colour(data, row) },
    value: (_, value) => shown(value),
  }));
  return figure(data.x_label, {
    height: HEIGHT,
    data: [order.map((at) => (isNumeric ? ticks[at] : at)), ...data.y_values.map((row) => order.map((at) => row[at]))],
    series,
    scales: { x: { time: false } },
    axes: [x, axis(data.y_label)],
  });
}

/** Each category has a place for each of its bars, and a gap after them. */
function grouped(data) {
  const count = data.y_values.length;
  const positions = [];
  const rows = data.y_values.map(() => []);
  data.x_categories.forEach((_, category) => {
    for (let row = 0; row < count; row += 1) {
      positions.push(category * (count + 1) + row);
      rows.forEach((values, index) => values.push(index === row ? data.y_values[row][category] : null));
    }
  });
  const centres = data.x_categories.map((_, category) => category * (count + 1) + (count - 1) / 2);
  return { positions, centres, rows };
}

/** Each row stands on those before it; positive and negative values have stacks of their own. */
function stacked(data) {
  const up = data.x_categories.map(() => 0);
  const down = data.x_categories.map(() => 0);
  const rows = data.y_values.map((values) =>
    values.map((value, category) => {
      if (value === null || value === undefined) return null;
      const sums = value < 0 ? down : up;
      sums[category] += value;
      return sums[category];
    }),
  );
  const positions = data.x_categories.map((_, category) => category);
  return { positions, centres: positions, rows };
}

function horizontalHeight(bars) {
  return Math.min(MAX_HEIGHT, Math.max(HEIGHT / 2, bars * BAR_ROW + 60));
}

function orientedScales(isHorizontal, range) {
  const values = { range: (_, low, high) => uPlot.rangeNum(Math.min(0, low ?? 0), Math.max(0, high ?? 0), 0.1, true) };
  if (!isHorizontal) return { x: { time: false, range }, y: values };
  return { x: { time: false, range, ori: VERTICAL, dir: -1 }, y: { ...values, ori: HORIZONTAL, dir: 1 } };
}

function orientedAxes(isHorizontal, x, yLabel) {
  if (!isHorizontal) return [x, axis(yLabel)];
  const size = Math.min(200, 40 + 8 * Math.max(0, ...[...x.names.values()].map((name) => name.length)));
  return [
    { ...x, side: LEFT, size },
    { ...axis(yLabel), side: BOTTOM },
  ];
}

function figure(xLabel, { height, data, series, scales, axes }) {
  const names = [...new Set(series.map((each) => each.label))].filter(Boolean).join(", ");
  const element = make("figure", { className: "chart", role: "img", "aria-label": `Chart of ${names || xLabel}` });
  const category = { label: xLabel ?? "", value: (_, at) => axes[0].names?.get(at) ?? shown(at) };
  const legend = { show: series.length > 1 || names !== "" };
  const cursor = { drag: { x: false, y: false } };
  const plot = new uPlot({ width: 600, height, scales, axes, legend, cursor, series: [category, ...series] }, data, element);
  new ResizeObserver(([entry]) => {
    const width = Math.floor(entry.contentRect.width);
    if (width > 0 && width !== plot.width) plot.setSize({ width, height });
  }).observe(element);
  return element;
}

function axis(label) {
  const ink = () => getComputedStyle(document.body).color;
  const faint = () => getComputedStyle(document.body).getPropertyValue("--line");
  return { label: label ?? undefined, labelSize: 22, stroke: ink, grid: { stroke: faint }, ticks: { stroke: faint } };
}

function categoryAxis(label, names) {
  return { ...axis(label), names, values: (_, splits) => splits.map((at) => names.get(at) ?? "") };
}

function wholeNumbers(plot, axisIndex, low, high, step) {
  const every = Math.max(1, Math.ceil(step));
  const splits = [];
  for (let at = Math.ceil(low / every) * every; at <= high; at += every) splits.push(at);
  return splits;
}

function seriesNames(data, names) {
  return data.y_values.map((_, row) => names?.[row] ?? data.y_label ?? "");
}

function colour(data, row) {
  return data.colour_values?.[row] ?? COLOURS[row % COLOURS.length];
}

function shown(value) {
  return typeof value === "number" ? value.toLocaleString() : (value ?? "–");
}
