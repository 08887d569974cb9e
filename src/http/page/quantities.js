/** Counts and times as people read them, in few digits. */

const PREFIXES = ['', 'k', 'M', 'G', 'T'];

/** Three digits and a prefix: 38.1 M. @param {number} value */
export function countText(value) {
  let prefix = 0;
  let rest = value;
  while (Math.abs(rest) >= 999.5 && prefix < PREFIXES.length - 1) {
    rest /= 1000;
    prefix += 1;
  }
  const digits = prefix === 0 ? Math.round(rest * 10) / 10 : Number(rest.toPrecision(3));
  return prefix === 0 ? `${digits}` : `${digits} ${PREFIXES[prefix]}`;
}

/** @param {number} micros */
export function timeText(micros) {
  if (micros < 999.5) return `${Number(micros.toPrecision(3))} µs`;
  if (micros < 999_500) return `${Number((micros / 1000).toPrecision(3))} ms`;
  return `${Number((micros / 1e6).toPrecision(3))} s`;
}

/** The least of 1, 2, 5, 10, 20, … that is not below `value`. @param {number} value */
export function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-9)));
  for (const factor of [1, 2, 5, 10]) if (factor * power >= value * (1 - 1e-9)) return factor * power;
  return 10 * power;
}

/** Positions of a slider from 0 to `steps` that stand for 1 … `most`, each by the same factor; the last for 'max'. */
export class LogScale {
  /** @param {number} least @param {number} most @param {number} steps */
  constructor(least, most, steps) {
    this.least = least;
    this.factor = (most / least) ** (1 / (steps - 1));
    this.steps = steps;
  }

  /** @param {number} position @returns {number | 'max'} */
  valueAt(position) {
    if (position >= this.steps) return 'max';
    const value = this.least * this.factor ** position;
    const power = 10 ** Math.max(0, Math.floor(Math.log10(value) + 1e-9) - 1);
    return Math.round(value / power) * power;
  }

  /** The nearest. @param {number | 'max'} value */
  positionOf(value) {
    if (value === 'max') return this.steps;
    const position = Math.round(Math.log(value / this.least) / Math.log(this.factor));
    return Math.min(this.steps - 1, Math.max(0, position));
  }
}
