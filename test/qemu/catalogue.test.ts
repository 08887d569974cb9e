/** Bundled captures are found by name; an unknown name lists what there is. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  findMachine,
  findSequence,
  machineNames,
  machineUrl,
  sequenceNames,
  sequenceUrl,
} from '../../src/qemu/catalogue.ts';

test('every bundled name leads to a file of that name', () => {
  expect(machineNames()).toContain('booted-q35-default');
  for (const name of machineNames())
    expect(JSON.parse(readFileSync(machineUrl(name), 'utf8'))).toMatchObject({ name });
  for (const name of sequenceNames())
    expect(JSON.parse(readFileSync(sequenceUrl(name), 'utf8'))).toMatchObject({ name });
});

test.each([
  ['q35', 'booted-q35-default'],
  ['pc', 'booted-pc-default'],
  ['virt', 'aarch64-virt-highmem-on-6g'],
])('%s is short for %s', (short, name) => expect(machineUrl(short)).toEqual(machineUrl(name)));

test('an unknown name is an error that lists the known ones', () => {
  expect(() => machineUrl('vax')).toThrow(
    /INVALID_ARGUMENT: 'vax' is neither a file nor a bundled machine.*q35.*avr-uno/,
  );
  expect(() => sequenceUrl('x'.repeat(200))).toThrow(
    /'x{80}…' is neither a file nor a bundled sequence.*pc-pam/,
  );
  expect([
    findMachine('toString'),
    findMachine('sequences'),
    findMachine('../package'),
    findSequence('q35'),
  ]).toEqual([null, null, null, null]);
});
