import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DIRTY_CLIENT_CODE, DIRTY_CLIENT_MIGRATION, DIRTY_CLIENT_VGA } from '../../src/base/dirty-log.ts';
import {
  anyPageIsDirty,
  codeVersion,
  createDirtyBitmap,
  DIRTY_ALL_CLIENTS,
  DIRTY_PAGE_BYTES,
  dirtyPage,
  markDirtyPages,
  pagesAreDirty,
  takeDirtyPages,
} from '../../src/layout/dirty-bitmap.ts';

const PAGES = 100;
const CLIENTS = [DIRTY_CLIENT_VGA, DIRTY_CLIENT_CODE, DIRTY_CLIENT_MIGRATION] as const;

const fresh = () => createDirtyBitmap(PAGES * DIRTY_PAGE_BYTES);

function take(bits: ReturnType<typeof fresh>, first: number, last: number, client: number): number[] {
  const taken: number[] = [];
  takeDirtyPages(bits, first, last, client, (page) => taken.push(page));
  return taken;
}

const pages = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

describe('dirty bits', () => {
  test('a new buffer is dirty for all clients, to its last page', () => {
    for (const client of CLIENTS) expect(take(fresh(), 0, PAGES - 1, client)).toEqual(pages(0, PAGES - 1));
  });

  test('a byte belongs to its page of 4 KiB, up to 4 GiB', () => {
    expect([0, 4095, 4096, 2 ** 32 - 1].map(dirtyPage)).toEqual([0, 0, 1, 2 ** 20 - 1]);
  });

  test('are the set of (client, page) that the literal rule gives', () => {
    const extent = fc.tuple(fc.nat(PAGES - 1), fc.nat(40)).map(([first, more]) => ({
      first,
      last: Math.min(PAGES - 1, first + more),
    }));
    const step = fc.record({
      take: fc.boolean(),
      extent,
      client: fc.nat(2),
      mask: fc.integer({ min: 1, max: 7 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), extent, (steps, asked) => {
        const bits = fresh();
        const dirty = CLIENTS.map(() => new Set(pages(0, PAGES - 1)));
        for (const {
          take: takes,
          extent: { first, last },
          client,
          mask,
        } of steps) {
          const touched = pages(first, last);
          if (takes) {
            expect(take(bits, first, last, client)).toEqual(
              touched.filter((page) => dirty[client]!.has(page)),
            );
            for (const page of touched) dirty[client]!.delete(page);
          } else {
            const hadClean = touched.some((page) => !dirty[DIRTY_CLIENT_CODE]!.has(page));
            expect(markDirtyPages(bits, first, last, mask)).toBe(hadClean && (mask & 2) !== 0);
            for (const each of CLIENTS)
              if ((mask >> each) & 1) for (const page of touched) dirty[each]!.add(page);
          }
        }
        const inside = pages(asked.first, asked.last);
        for (const client of CLIENTS) {
          const isDirty = (page: number): boolean => dirty[client]!.has(page);
          expect(anyPageIsDirty(bits, asked.first, asked.last, client)).toBe(inside.some(isDirty));
          expect(pagesAreDirty(bits, asked.first, asked.last, 1 << client)).toBe(inside.every(isDirty));
        }
        const all = inside.every((page) => dirty.every((of) => of.has(page)));
        expect(pagesAreDirty(bits, asked.first, asked.last, DIRTY_ALL_CLIENTS)).toBe(all);
      }),
    );
  });

  test('the version of a page moves when a mark finds it clean for code, and only then', () => {
    const bits = fresh();
    const version = (): number[] => [31, 32, 33].map((page) => codeVersion(bits, page));
    expect(markDirtyPages(bits, 31, 33, DIRTY_ALL_CLIENTS)).toBe(false);
    expect(version()).toEqual([0, 0, 0]);
    take(bits, 32, 32, DIRTY_CLIENT_CODE);
    take(bits, 33, 33, DIRTY_CLIENT_VGA);
    expect(markDirtyPages(bits, 31, 33, DIRTY_ALL_CLIENTS)).toBe(true);
    expect(markDirtyPages(bits, 31, 33, DIRTY_ALL_CLIENTS)).toBe(false);
    expect(version()).toEqual([0, 1, 0]);
  });
});
