/** The verifying workload's oracle against the literal rule of visibility, and against the renderer. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { buildLayout } from '../../src/qemu/layout-file.ts';
import { viewRootOf } from '../../src/render/view-root.ts';
import { Oracle, physicalRoot } from '../../src/verify/oracle.ts';
import { at, container, io, ram } from '../support/drawing.ts';
import { messageOf } from '../support/message-of.ts';
import { interestingAddresses, randomLayout } from '../support/random-tree.ts';
import { whoAnswers } from '../support/visibility.ts';

const addresses = interestingAddresses();
const regionsOf = (layout: Parameters<typeof buildLayout>[0]): MemoryRegion[] => [
  ...buildLayout(layout).regionsById.values(),
];

describe('the oracle', () => {
  test('agrees with the literal rule at each address, and its span has one answer', () => {
    fc.assert(
      fc.property(randomLayout(), (layout) => {
        for (const root of regionsOf(layout)) {
          const viewRoot = physicalRoot(root);
          for (const address of addresses) {
            const answer = new Oracle(root).at(address);
            const literal = viewRoot === null ? null : whoAnswers(viewRoot, address);
            expect(answer.region).toBe(literal?.region ?? null);
            expect(answer.offset).toBe(literal?.offset ?? 0n);
            expect(answer.readonly).toBe(literal?.readonly ?? false);
            for (const other of addresses) {
              if (other < answer.first || other > answer.last || viewRoot === null) continue;
              expect(whoAnswers(viewRoot, other)?.region ?? null).toBe(answer.region);
            }
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  test('gives the same whether it remembers a span or not', () => {
    fc.assert(
      fc.property(randomLayout(), (layout) => {
        for (const root of regionsOf(layout)) {
          const remembering = new Oracle(root);
          for (const address of addresses) {
            const { region, offset, readonly } = new Oracle(root).at(address);
            const known = remembering.at(address);
            expect(known.region).toBe(region); // a region leads to the whole tree: never compared in depth
            expect([known.offset, known.readonly]).toEqual([offset, readonly]);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test('begins where the renderer begins', () => {
    fc.assert(
      fc.property(randomLayout(), (layout) => {
        for (const root of regionsOf(layout)) expect(physicalRoot(root)).toBe(viewRootOf(root));
      }),
      { numRuns: 300 },
    );
  });

  test('follows an alias into the middle of RAM, and says that its words are read-only', () => {
    const below = ram('pc.ram', 0x10000);
    const rom = MemoryRegion.alias('pam-rom', below, 0x8000, 0x1000, { readonly: true });
    const root = container('system', 0x100000, [
      at(0, below),
      at(0xc0000, rom, 1),
      at(0xc0800, io('dev', 4), 2),
    ]);
    const oracle = new Oracle(root);
    expect(oracle.at(0xc0010n)).toMatchObject({ region: below, offset: 0x8010n, readonly: true });
    expect(oracle.at(0xc0010n)).toMatchObject({ first: 0xc0000n, last: 0xc07ffn });
    expect(oracle.at(0xc0803n)).toMatchObject({ offset: 3n, first: 0xc0800n, last: 0xc0803n });
    expect(oracle.at(0xd0000n).region).toBeNull();
  });

  test('gives up on a tree that is too deep for a stack', () => {
    let root = io('leaf', 0x1000);
    for (let depth = 0; depth < 1100; depth += 1)
      root = container(`level ${depth}`, 0x1000, [at(0, root), at(0x800, io('other', 1))]);
    expect(messageOf(() => new Oracle(root).at(0n))).toMatch(/RENDER_TOO_DEEP.*nest less/);
  });
});
