/** Throughput and latencies of the last two minutes, by uPlot. Colours are the page's, also after they change. */
import { element, setAttribute, setText } from './dom.js';
import { countText, timeText } from './quantities.js';
import { Series } from './series.js';

/** @typedef {import('uplot')} Chart */

const UPLOT = './vendor/uplot/uPlot.esm.js';
const SECONDS_SHOWN = 120;
/** At ten a second. */
const POINTS_MAX = SECONDS_SHOWN * 10;
const HEIGHT = 132;

/**
 * @typedef {object} ChartPlan
 * @property {string} title
 * @property {readonly string[]} labels of the lines
 * @property {(value: number) => string} text
 * @property {boolean} isLog
 * @property {string} note what exactly is measured
 */

/** @type {Record<'accesses' | 'layouts' | 'commits' | 'graces', ChartPlan>} */
const PLANS = {
  accesses: {
    title: 'accesses/s',
    labels: ['by load', 'by requests'],
    text: countText,
    isLog: false,
    note: 'counted by the vCPUs themselves, told twice a second',
  },
  layouts: {
    title: 'layouts published/s',
    labels: ['layouts'],
    text: countText,
    isLog: false,
    note: 'commits that changed what vCPUs see, told twice a second',
  },
  commits: {
    title: 'a commit',
    labels: ['median', 'slowest'],
    text: timeText,
    isLog: true,
    note: 'from the first mutator until it is published; of the newest 16 in each tenth of a second',
  },
  graces: {
    title: 'a grace period',
    labels: ['median', '99 of 100'],
    text: timeText,
    isLog: true,
    note: 'from retirement to reclamation; of all that ended in each tenth of a second',
  },
};

/** @param {string} name of a custom property */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);

export class Charts {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.startMs = performance.now();
    this.panels = Object.fromEntries(Object.entries(PLANS).map(([name, plan]) => [name, new Panel(plan)]));
    root.replaceChildren(...Object.values(this.panels).map((panel) => panel.root));
    this.ready = this.load();
  }

  async load() {
    /** @type {{ readonly default: typeof import('uplot') }} */
    const { default: uPlot } = await import(UPLOT);
    for (const panel of Object.values(this.panels)) panel.open(uPlot);
  }

  /** @param {keyof typeof PLANS} name @param {...(number | null)} values */
  push(name, ...values) {
    this.panels[name]?.series.push((performance.now() - this.startMs) / 1000, ...values);
  }

  draw() {
    const now = (performance.now() - this.startMs) / 1000;
    for (const panel of Object.values(this.panels)) panel.draw(now);
  }

  /** The page has other colours now. */
  recolour() {
    for (const panel of Object.values(this.panels)) panel.chart?.redraw(false);
  }

  clear() {
    for (const { series } of Object.values(this.panels)) series.clear();
    this.draw();
  }
}

class Panel {
  /** @param {ChartPlan} plan */
  constructor(plan) {
    this.plan = plan;
    this.series = new Series(plan.labels.length, POINTS_MAX);
    this.values = plan.labels.map(() => element('span', { class: 'value' }, '–'));
    const legend = plan.labels.map((label, index) =>
      element(
        'span',
        { class: `key line${index}` },
        `${label} `,
        /** @type {HTMLElement} */ (this.values[index]),
      ),
    );
    this.plot = element('div', { class: 'plot', role: 'img' });
    this.root = element(
      'figure',
      { class: 'chart' },
      element('figcaption', {}, element('b', {}, plan.title), ...legend),
      this.plot,
    );
    /** @type {Chart | null} */
    this.chart = null;
  }

  /** @param {typeof import('uplot')} uPlot */
  open(uPlot) {
    const { plan } = this;
    const data = /** @type {import('uplot').AlignedData} */ (this.series.columns);
    this.chart = new uPlot(this.options(), data, this.plot);
    new ResizeObserver(() => this.chart?.setSize({ width: this.plot.clientWidth, height: HEIGHT })).observe(
      this.plot,
    );
    setAttribute(this.plot, 'aria-label', `${plan.title}: no figures yet`);
  }

  /** @returns {import('uplot').Options} */
  options() {
    const { plan } = this;
    return {
      width: Math.max(120, this.plot.clientWidth),
      height: HEIGHT,
      padding: [8, 14, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { size: 5 }, drag: { x: false, y: false } },
      scales: {
        x: { time: false, range: (_chart, _least, most) => [(most ?? 0) - SECONDS_SHOWN, most ?? 0] },
        y: plan.isLog
          ? { distr: 3, range: (_chart, least, most) => decadesAround(least, most) }
          : { range: (_chart, _least, most) => [0, Math.max(1, (most ?? 0) * 1.1)] },
      },
      axes: [timeAxis(), valueAxis(plan)],
      series: [
        {},
        ...plan.labels.map((_label, index) => ({
          stroke: () => colour(`--line${index}`),
          width: 1.5,
          points: { show: false },
          spanGaps: true,
        })),
      ],
      hooks: { setCursor: [(chart) => this.say(chart.cursor.idx ?? null)] },
    };
  }

  /** @param {number} now seconds */
  draw(now) {
    const { chart, series } = this;
    if (chart === null) return;
    chart.batch(() => {
      chart.setData(/** @type {import('uplot').AlignedData} */ (series.columns), false);
      chart.setScale('x', { min: now - SECONDS_SHOWN, max: now });
    });
    if (chart.cursor.idx == null) this.say(null);
  }

  /** The values at that point; the newest if it is null. @param {number | null} index */
  say(index) {
    const { plan, series, values, plot } = this;
    const texts = values.map((_node, line) => {
      const column = series.columns[line + 1] ?? [];
      const value = index === null ? column.findLast((known) => known !== null) : column[index];
      return value == null ? '–' : plan.text(value);
    });
    for (const [line, node] of values.entries()) setText(node, texts[line] ?? '–');
    setAttribute(
      plot,
      'aria-label',
      `${plan.title}: ${plan.labels.map((label, line) => `${label} ${texts[line]}`).join(', ')}`,
    );
  }
}

const axis = () => ({
  stroke: () => colour('--dim'),
  font: '11px ui-monospace, "DejaVu Sans Mono", monospace',
  ticks: { show: false },
});
const grid = { stroke: () => colour('--line'), width: 1 };

/** Every half minute back from now. @returns {import('uplot').Axis} */
const timeAxis = () => ({
  ...axis(),
  size: 22,
  grid,
  splits: (_chart, _index, _least, most) => [-90, -60, -30, 0].map((seconds) => most + seconds),
  values: () => ['-90 s', '-60 s', '-30 s', 'now'],
});

/** A logarithmic one names powers of ten only. @param {ChartPlan} plan @returns {import('uplot').Axis} */
function valueAxis({ isLog, text }) {
  /** @param {number | null} value */
  const isNamed = (value) => value !== null && (!isLog || Math.abs(Math.log10(value) % 1) < 1e-9);
  return {
    ...axis(),
    size: 58,
    space: 28,
    grid: { ...grid, filter: (_chart, splits) => splits.map((value) => (isNamed(value) ? value : null)) },
    values: (_chart, splits) => splits.map((value) => (isNamed(value) ? text(value) : '')),
  };
}

/** @param {number | null} least @param {number | null} most @returns {[number, number]} */
const decadesAround = (least, most) => [
  10 ** Math.floor(Math.log10(least || 1)),
  10 ** Math.ceil(Math.log10((most || 1) * 1.01)),
];
