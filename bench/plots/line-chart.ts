/**
 * A chart of lines as a file of SVG. No chart package is used: what those that run without a browser draw has the
 * colours of one scheme, and each brings more code than this file saves.
 * Guarantee: readable in light and dark; no series is told by its colour alone; all figures are in the text.
 */
import type { Axis } from './axis.ts';

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** A line to compare with, which nobody measured. */
  readonly isGuide?: true;
}

export interface Chart {
  readonly title: string;
  /** How to read it, in one line. */
  readonly subtitle: string;
  /** Where the figures come from. */
  readonly source: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
}

const WIDTH = 880;
const HEIGHT = 480;
const PLOT = { left: 84, top: 78, right: 640, bottom: 390 } as const;
const LEGEND_LEFT = 664;
const LEGEND_LINE = 24;
const TICK_GAP = 8;

/** One entry a series; contrast of at least 4.5 : 1 with the background, apart for the colour-blind. */
const SCHEMES = {
  light: { page: '#ffffff', ink: '#1f2328', faint: '#59636e', grid: '#d9dee3' },
  dark: { page: '#0d1117', ink: '#e6edf3', faint: '#9198a1', grid: '#30363d' },
} as const;
const COLOURS = {
  light: ['#0b5cad', '#b1440e', '#0b7261', '#7340b8'],
  dark: ['#6cb0ff', '#ff9f68', '#46d0b4', '#c6a1ff'],
} as const;

/** Marks of the series, around (0, 0). */
const MARKS = [
  'M-4.5,0a4.5,4.5 0 1,0 9,0a4.5,4.5 0 1,0 -9,0',
  'M-4,-4h8v8h-8z',
  'M0,-5.5l5.5,9.5h-11z',
  'M0,-6l6,6l-6,6l-6,-6z',
];

export function lineChart(chart: Chart): string {
  const { title, series } = chart;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="title figures">`,
    `<title id="title">${escaped(title)}</title>`,
    `<desc id="figures">${escaped(figuresOf(chart))}</desc>`,
    `<style>${styles()}</style>`,
    `<rect class="page" width="${WIDTH}" height="${HEIGHT}"/>`,
    text('title', PLOT.left, 32, title),
    text('faint', PLOT.left, 54, chart.subtitle),
    ...gridOf(chart),
    ...series.map((one, i) => lineOf(one, i, chart)),
    ...series.map((one, i) => legendOf(one, i)),
    text('faint', PLOT.left, HEIGHT - 14, chart.source),
    '</svg>\n',
  ].join('\n');
}

/** The figures as sentences: a line of text a series. */
function figuresOf({ subtitle, source, x, y, series }: Chart): string {
  const nameOf = (value: number): string => x.ticks.find(({ at }) => at === value)?.text ?? String(value);
  const lines = series.map(
    ({ name, points }) =>
      `${name}: ${points.map(([at, value]) => `${nameOf(at)}: ${rounded(value)}`).join(', ')}.`,
  );
  return [`${subtitle}. ${y.label}, by ${x.label}.`, ...lines, source].join('\n');
}

const rounded = (value: number): number => Number(value.toPrecision(4));

function styles(): string {
  const rules = (scheme: keyof typeof SCHEMES): string => {
    const { page, ink, faint, grid } = SCHEMES[scheme];
    const series = COLOURS[scheme].map((c, i) => `.line${i}{stroke:${c}}.mark${i}{fill:${c};stroke:${page}}`);
    return [
      `.page{fill:${page}}.title,.name{fill:${ink}}.faint{fill:${faint}}`,
      `.grid{stroke:${grid}}.axis,.guide{stroke:${faint}}`,
      ...series,
    ].join('');
  };
  return [
    'text{font:12px system-ui,"DejaVu Sans",sans-serif}.title{font-size:17px;font-weight:600}',
    '.end{text-anchor:end}.middle{text-anchor:middle}.line{fill:none;stroke-width:2}',
    '.guide{fill:none;stroke-width:1.5;stroke-dasharray:6 5}',
    rules('light'),
    `@media(prefers-color-scheme:dark){${rules('dark')}}`,
  ].join('');
}

const xOf = ({ x }: Chart, value: number): number => PLOT.left + x.fraction(value) * (PLOT.right - PLOT.left);
const yOf = ({ y }: Chart, value: number): number =>
  PLOT.bottom - y.fraction(value) * (PLOT.bottom - PLOT.top);
const px = (value: number): string => value.toFixed(1);

function gridOf(chart: Chart): string[] {
  const { left, right, top, bottom } = PLOT;
  const rows = chart.y.ticks.flatMap(({ at, text: label }) => {
    const y = yOf(chart, at);
    return [line('grid', left, y, right, y), text('faint end', left - TICK_GAP, y + 4, label)];
  });
  const columns = chart.x.ticks.flatMap(({ at, text: label }) => {
    const x = xOf(chart, at);
    return [line('grid', x, top, x, bottom), text('faint middle', x, bottom + 20, label)];
  });
  const middle = (top + bottom) / 2;
  return [
    ...rows,
    ...columns,
    line('axis', left, bottom, right, bottom),
    text('name middle', (left + right) / 2, bottom + 46, chart.x.label),
    `<g transform="translate(22 ${middle}) rotate(-90)">${text('name middle', 0, 0, chart.y.label)}</g>`,
  ];
}

function lineOf({ points, isGuide }: Series, index: number, chart: Chart): string {
  const places = points.map(([x, y]) => [px(xOf(chart, x)), px(yOf(chart, y))] as const);
  const path = places.map((place) => place.join(',')).join(' ');
  if (isGuide) return `<polyline class="guide" points="${path}"/>`;
  const marks = places.map(([x, y]) => mark(index, x, y));
  return [`<polyline class="line line${index}" points="${path}"/>`, ...marks].join('\n');
}

function legendOf({ name, isGuide }: Series, index: number): string {
  const y = PLOT.top + 12 + index * LEGEND_LINE;
  const sample = isGuide
    ? line('guide', LEGEND_LEFT, y, LEGEND_LEFT + 28, y)
    : line(`line line${index}`, LEGEND_LEFT, y, LEGEND_LEFT + 28, y) +
      mark(index, px(LEGEND_LEFT + 14), px(y));
  return sample + text('name', LEGEND_LEFT + 36, y + 4, name);
}

const mark = (index: number, x: string, y: string): string =>
  `<path class="mark${index}" transform="translate(${x} ${y})" d="${MARKS[index % MARKS.length]}"/>`;

const line = (style: string, x1: number, y1: number, x2: number, y2: number): string =>
  `<line class="${style}" x1="${px(x1)}" y1="${px(y1)}" x2="${px(x2)}" y2="${px(y2)}"/>`;

const text = (style: string, x: number, y: number, content: string): string =>
  `<text class="${style}" x="${px(x)}" y="${px(y)}">${escaped(content)}</text>`;

const escaped = (content: string): string =>
  content.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
