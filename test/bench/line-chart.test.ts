/** Charts: the axes' arithmetic, and that a file of SVG says all that it draws. */
import { describe, expect, test } from 'vitest';
import { decades, doublings, places, steps } from '../../bench/plots/axis.ts';
import { type Chart, lineChart } from '../../bench/plots/line-chart.ts';

describe('an axis', () => {
  const textOf = String;
  test.each([
    ['decades around the values', decades('', [15, 900], textOf), [10, 100, 1000], 100, 0.5],
    ['decades that end at the values', decades('', [10, 1000], textOf), [10, 100, 1000], 1000, 1],
    ['one decade where all values are alike', decades('', [100, 100], textOf), [100, 1000], 100, 0],
    ['doublings', doublings('', [1, 2, 4, 8, 16]), [1, 2, 4, 8, 16], 4, 0.5],
    ['steps from 0', steps('', 1.2, 0.4), [0, 0.4, 0.8, 1.2], 0.6, 0.5],
    ['named places', places('', ['a', 'b', 'c']), [0, 1, 2], 1, 0.5],
  ])('of %s', (_what, axis, ticks, value, fraction) => {
    expect(axis.ticks.map(({ at }) => Number(at.toPrecision(6)))).toEqual(ticks);
    expect(axis.fraction(value)).toBeCloseTo(fraction);
  });
});

describe('a chart', () => {
  const chart: Chart = {
    title: 'Cost & benefit',
    subtitle: 'How <it> reads',
    source: 'Measured nowhere',
    x: decades('regions', [10, 1000], (n) => n.toLocaleString('en')),
    y: decades('time', [1, 100], (ns) => `${ns} ns`),
    series: [
      {
        name: 'commit',
        points: [
          [10, 1],
          [1000, 100],
        ],
      },
      {
        name: 'target',
        isGuide: true,
        points: [
          [10, 10],
          [1000, 10],
        ],
      },
    ],
  };
  const svg = lineChart(chart);

  test('names itself and holds all figures as text', () => {
    expect(svg).toContain('<title id="title">Cost &amp; benefit</title>');
    const description = /<desc id="figures">([^<]*)<\/desc>/.exec(svg)?.[1];
    expect(description).toContain('commit: 10: 1, 1,000: 100.');
    expect(description).toContain('Measured nowhere');
  });

  test('draws from the lower left corner to the upper right, a mark at each measured point', () => {
    expect(/class="line line0" points="([^"]*)"/.exec(svg)?.[1]).toBe('84.0,390.0 640.0,78.0');
    const marksInPlot = svg.match(/class="mark0"/g) ?? [];
    expect(marksInPlot).toHaveLength(chart.series[0]!.points.length + 1); // and one in the legend
    expect(svg.match(/class="guide"/g)).toHaveLength(2);
  });

  test('has every tick, name and label, escaped', () => {
    for (const word of [
      '>1,000<',
      '>100 ns<',
      '>regions<',
      '>time<',
      '>commit<',
      '>target<',
      'How &lt;it&gt; reads',
    ])
      expect(svg).toContain(word);
  });

  test('has colours for light and for dark', () => {
    const [light, dark] = svg.split('prefers-color-scheme:dark');
    for (const scheme of [light, dark]) expect(scheme).toMatch(/\.page\{fill:#[0-9a-f]{6}\}/);
  });
});
