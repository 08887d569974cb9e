/** The greatest counts: that a machine works there. No timing. */
import { expect, test } from 'vitest';
import { fullSlots, publishSections, readersOnline } from '../../bench/scale.ts';
import { generationReached, READER_ANNOUNCED, readerWord } from '../../src/layout/control-block.ts';

test('65,536 sections are published, and every one of them answers for its address', async () => {
  let wrong: string[] = [];
  await publishSections(65_536, (machine) => {
    const [space] = machine.addressSpaces;
    const { ranges } = machine.flatViewOf(space!);
    expect(ranges).toHaveLength(65_536);
    wrong = ranges
      .filter(({ region, start }) => {
        const found = machine.query.findAt(space!, start, 4n);
        found?.release();
        return found?.region !== region;
      })
      .map(({ region }) => region.name);
  });
  expect(wrong).toEqual([]);
});

test('a grace period of 256 readers ends when the last has announced it', async () => {
  const { writer, words, close } = await readersOnline(256);
  await writer.synchronize();
  const { generation } = writer;
  const late = Array.from({ length: 256 }, (_, slot) =>
    Atomics.load(words, readerWord(slot) + READER_ANNOUNCED),
  ).filter((announced) => !generationReached(announced, generation));
  await close();
  expect(late).toEqual([]);
});

test('all vCPU slots are taken at the same time, each vCPU loads, and the slots can be used again', async () => {
  const { machine, start } = fullSlots(4); // the row takes all 256, which is gigabytes
  const first = start();
  expect(machine.vcpus.map(({ id }) => id)).toEqual([0, 1, 2, 3]);
  const loaded = await first;
  expect(await start()).toEqual(loaded);
  expect(new Set(loaded).size).toBe(1);
  await machine.close();
});
