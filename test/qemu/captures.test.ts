/** What QEMU 7.2 printed is what we render: every captured machine, every step of every captured sequence. */
import { describe, expect, test } from 'vitest';
import { flatJsonOf } from '../../src/qemu/flat-json.ts';
import { buildLayout, parseLayout } from '../../src/qemu/layout-file.ts';
import { LiveLayout } from '../../src/qemu/live-layout.ts';
import { parseSequence } from '../../src/qemu/sequence-file.ts';
import { inOneOrder, machineCaptures, sequenceCaptures } from '../support/captures.ts';

const machines = machineCaptures();
const sequences = sequenceCaptures();

test('there are captures to test against', () => {
  expect(machines.length).toBeGreaterThan(15);
  expect(sequences.length).toBeGreaterThan(3);
});

describe('a captured machine renders as QEMU rendered it', () => {
  test.each(machines)('$name', ({ name, text }) => {
    const layout = parseLayout(text, `${name}.json`);
    expect(layout.flat).not.toBeNull();
    expect(inOneOrder(flatJsonOf(buildLayout(layout).addressSpaces))).toEqual(inOneOrder(layout.flat!));
  });
});

describe('a captured sequence, as one transaction of mutators a step on one tree, renders as in QEMU', () => {
  test.each(sequences)('$name', ({ name, text }) => {
    const live = new LiveLayout();
    for (const [index, step] of parseSequence(text, `${name}.json`).steps.entries()) {
      const { mutations } = live.apply(step);
      if (index === 0) expect(mutations).toBeGreaterThan(0);
      const where = `step ${index}: ${step.action}`;
      expect({ where, flat: inOneOrder(flatJsonOf(live.addressSpaces)) }).toEqual({
        where,
        flat: inOneOrder(step.flat!),
      });
    }
  });
});
