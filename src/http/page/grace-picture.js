/**
 * One grace period as a picture: a lane for each vCPU over microseconds since the commit. Only what was seen is
 * drawn: between the last look that found a vCPU holding on and the first that did not, it is not known.
 */
import { roundUp } from './quantities.js';

/**
 * @typedef {object} Lane
 * @property {number} id
 * @property {number} held    0 to 1: so far it was seen to hold the old layout
 * @property {number} unknown where the part in which it let go ends; equals held while it holds on
 * @property {'announced' | 'offline' | 'gone' | null} how
 */

/**
 * @param {import('./types.d.ts').Period} period
 * @returns {{ scaleUs: number, lanes: Lane[], freed: number | null, now: number | null }} fractions of the scale
 */
export function pictureOf({ elapsedUs, readers, freedUs, isOver }) {
  const times = readers.flatMap(({ heldUs, passedUs }) => [heldUs, passedUs ?? 0]);
  const lastUs = Math.max(1, freedUs ?? 0, isOver ? 0 : elapsedUs, ...times);
  const scaleUs = roundUp(lastUs * 1.04);
  return {
    scaleUs,
    lanes: readers.map(({ id, heldUs, passedUs, how }) => ({
      id,
      held: heldUs / scaleUs,
      unknown: (passedUs ?? heldUs) / scaleUs,
      how,
    })),
    freed: freedUs === null ? null : freedUs / scaleUs,
    now: isOver ? null : elapsedUs / scaleUs,
  };
}
