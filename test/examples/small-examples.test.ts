/** The examples of a screen or three, run as a reader runs them: what each prints is what it promises. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { runProgram } from '../support/run-program.ts';

const MANY = String.raw`[1-9]\d*`;
const BALL = [
  '                                                         #',
  '                                                     #########',
  '                                                   #############',
  '                                                   #############',
  '                                                   #############',
  '                                                     #########',
  '                                                         #',
];

/** A machine that has other things to do holds threads up; that is told, and is no fault. */
const withoutStalls = (stderr: string): string =>
  stderr.replaceAll(/^.*(?:has passed no checkpoint for|--trace-warnings).*\n/gm, '');

const lines = (...parts: string[]): RegExp => new RegExp(`^${parts.join('\n')}\n$`);

const examples: [name: string, promise: string, printed: RegExp][] = [
  [
    'uart-timer',
    'each tick once, and in order',
    lines(...[1, 2, 3, 4, 5].map((tick) => `tick ${tick} of 5`), 'the guest saw 5 ticks'),
  ],
  [
    'pci-bars',
    'BARs where the guest put them, and never in two places',
    lines(
      'found device 12345678',
      'BAR of 0x10000 bytes put at 0xe0000000',
      'BAR of 0x1000 bytes put at 0xe0010000',
      'moved 50 times, and it still holds cafef00d',
      `${MANY} looks of the other vCPU found it in one place, 0 did not`,
      String.raw`[^]*e0000000-00000000e000ffff \(prio 0, ram\): card\.vram`,
      String.raw`.*e0010000-00000000e0010fff \(prio 0, ram\): card\.mailbox`,
    ),
  ],
  [
    'flash',
    'what was programmed, read without a call of the device',
    lines(
      'before: what it was delivered with',
      'after:  written by the guest',
      String.raw`the driver made (\d+) status reads; the flash was called for \1 reads in all`,
    ),
  ],
  [
    'frame-buffer',
    'a picture drawn from dirty pages alone',
    lines(
      ...BALL.map((line) => `${line} *`),
      String.raw`(?: *\n){8} *`,
      String.raw`60 frames of 16 lines; \d{2,3} lines were drawn`,
      '0 lines differ from what is in video RAM',
    ),
  ],
  [
    'virtio-queue',
    'an answer for each request of both rounds, in order',
    lines(
      ...['1', '2'].flatMap((round) =>
        ['A RADIX TREE', 'WALKED WITHOUT A LOCK', 'PUBLISHED BY ONE STORE', 'RECLAIMED IN GRACE'].map(
          (text) => `${text}, ROUND ${round}`,
        ),
      ),
    ),
  ],
  [
    'dma-engine',
    'bytes in pages that were lent, and in no others',
    lines(
      `200 pages lent and taken back, ${MANY} bytes written into them`,
      `${MANY} bursts went through, ${MANY} met something that was not mapped`,
      'nothing landed anywhere else',
    ),
  ],
  [
    'wasm-vcpu',
    'sums of one bank or the other, of none of both',
    lines(
      ...[0, 1].map((vcpu) =>
        [
          `vCPU ${vcpu}: ${MANY} slices of 1025 loads, 2 of which left WebAssembly;`,
          'the sums were 1031 and 1024007',
        ].join(' '),
      ),
    ),
  ],
];

describe('an example prints what it promises and ends by itself', () => {
  test.each(examples)('%s: %s', async (name, _promise, printed) => {
    const run = await runProgram(`examples/${name}/main.ts`);
    expect(withoutStalls(run.stderr)).toBe('');
    expect(run.stdout).toMatch(printed);
    expect(run.status).toBe(0);
  });
});

test('every example has a test', () => {
  const elsewhere = ['hello', 'guide', 'debugging', 'smp-counter']; // readme.test, docs, beside this
  const folders = readdirSync(new URL('../../examples', import.meta.url), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
  expect(folders.toSorted()).toEqual([...elsewhere, ...examples.map(([name]) => name)].toSorted());
});

test.each(examples)('%s is read in a few minutes', (name) => {
  const folder = new URL(`../../examples/${name}/`, import.meta.url);
  const lines = readdirSync(folder).flatMap((file) =>
    readFileSync(new URL(file, folder), 'utf8').split('\n').slice(1),
  );
  expect(lines.length).toBeLessThanOrEqual(150);
});
