/** Columns of numbers over time, as charts take them: bounded, the oldest leave. */

export class Series {
  /** @param {number} columns beside time @param {number} lengthMax */
  constructor(columns, lengthMax) {
    this.lengthMax = lengthMax;
    /** @type {(number | null)[][]} time in seconds, then the columns; null: nothing was measured */
    this.columns = Array.from({ length: columns + 1 }, () => []);
  }

  get length() {
    return this.columns[0]?.length ?? 0;
  }

  /** @param {number} seconds @param {...(number | null)} values */
  push(seconds, ...values) {
    for (const [index, value] of [seconds, ...values].entries()) {
      const column = this.columns[index];
      column?.push(value);
      if (column !== undefined && column.length > this.lengthMax)
        column.splice(0, column.length - this.lengthMax);
    }
  }

  clear() {
    for (const column of this.columns) column.length = 0;
  }
}
