import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { Doorbell } from '../../src/mailbox/doorbell.ts';
import { codeOf } from '../support/code-of.ts';

describe('a doorbell', () => {
  test('counts rings, and a take resets the count', () => {
    const doorbell = new Doorbell();
    expect(doorbell.take()).toBe(0);
    for (let i = 0; i < 3; i += 1) doorbell.ring();
    expect([doorbell.take(), doorbell.take()]).toEqual([3, 0]);
  });

  test('is the same at the other end of its handle; others have other ids', () => {
    const doorbell = new Doorbell();
    const other = Doorbell.from(structuredClone(doorbell.handle));
    other.ring();
    expect([doorbell.take(), other.id]).toEqual([1, doorbell.id]);
    expect(new Doorbell().id).not.toBe(doorbell.id);
  });

  test('takes no handle that is none', () => {
    for (const bad of [null, {}, { id: 1, words: new SharedArrayBuffer(8) }, new Doorbell()])
      expect(codeOf(() => Doorbell.from(bad as never))).toBe('INVALID_ARGUMENT');
  });
});

describe('next', () => {
  test('takes at once what was rung before', async () => {
    const doorbell = new Doorbell();
    doorbell.ring();
    doorbell.ring();
    expect(await doorbell.next()).toBe(2);
  });

  test('waits for the first ring, and gives all up to its wake-up', async () => {
    const doorbell = new Doorbell();
    const rung = doorbell.next();
    doorbell.ring();
    doorbell.ring();
    expect(await rung).toBe(2);
    expect(doorbell.take()).toBe(0);
  });

  test('of two that wait one gets a ring, and the other waits on', async () => {
    const doorbell = new Doorbell();
    const both = [doorbell.next(), doorbell.next()];
    doorbell.ring();
    const first = await Promise.race(both);
    doorbell.ring();
    expect([first, await Promise.all(both)]).toEqual([1, [1, 1]]);
  });

  test('ends with the reason of its signal, and takes nothing', async () => {
    const doorbell = new Doorbell();
    const controller = new AbortController();
    const rung = doorbell.next(controller.signal);
    controller.abort(new Error('enough'));
    await expect(rung).rejects.toThrow('enough');
    await expect(doorbell.next(controller.signal)).rejects.toThrow('enough');
    doorbell.ring();
    expect(doorbell.take()).toBe(1);
  });

  test('keeps the process alive', () => {
    const source = new URL('../../src/mailbox/doorbell.ts', import.meta.url).href;
    const code = `
      const { Doorbell } = await import('${source}');
      const doorbell = new Doorbell();
      setTimeout(() => doorbell.ring(), 20).unref(); // which alone keeps none alive
      console.log(await doorbell.next());`;
    const args = ['--import', 'tsx', '--input-type=module', '--eval', code];
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect([stdout, stderr, status]).toEqual(['1\n', '', 0]);
  });
});

describe('wait', () => {
  test('takes at once what was rung before, and gives up after its time', () => {
    const doorbell = new Doorbell();
    doorbell.ring();
    expect(doorbell.wait()).toBe(1);
    expect([doorbell.wait(2), doorbell.wait(0)]).toEqual([0, 0]);
  });
});
