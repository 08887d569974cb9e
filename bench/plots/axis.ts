/** Axes of a chart: where a value lies between both ends, and which values are written at it. */

export interface Tick {
  readonly at: number;
  readonly text: string;
}

export interface Axis {
  readonly label: string;
  readonly ticks: readonly Tick[];
  /** 0 at the axis's start, 1 at its end. */
  readonly fraction: (value: number) => number;
}

const between =
  (first: number, last: number) =>
  (value: number): number =>
    (value - first) / (last - first);

const logBetween = (first: number, last: number): Axis['fraction'] => {
  const fraction = between(Math.log(first), Math.log(last));
  return (value) => fraction(Math.log(value));
};

/** Logarithmic, from the power of ten below all values to the one above; a tick at each. */
export function decades(label: string, values: readonly number[], text: (value: number) => string): Axis {
  const first = Math.floor(Math.log10(Math.min(...values)) + 1e-9);
  const last = Math.max(first + 1, Math.ceil(Math.log10(Math.max(...values)) - 1e-9));
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i));
  return {
    label,
    ticks: ticks.map((at) => ({ at, text: text(at) })),
    fraction: logBetween(10 ** first, 10 ** last),
  };
}

/** Logarithmic, from the first to the last of rising values, with a tick at each. */
export const doublings = (label: string, values: readonly number[]): Axis => ({
  label,
  ticks: values.map((at) => ({ at, text: String(at) })),
  fraction: logBetween(values[0]!, values.at(-1)!),
});

/** Linear from 0, with a tick every `step` up to `last`. */
export const steps = (label: string, last: number, step: number): Axis => ({
  label,
  ticks: Array.from({ length: Math.round(last / step) + 1 }, (_, i) => i * step).map((at) => ({
    at,
    text: String(Number(at.toPrecision(6))),
  })),
  fraction: between(0, last),
});

/** Named places at equal distances: value i is the i-th. */
export const places = (label: string, names: readonly string[]): Axis => ({
  label,
  ticks: names.map((text, at) => ({ at, text })),
  fraction: between(-0.3, names.length - 0.7),
});
