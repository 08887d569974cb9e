/** Memory over HTTP: what the vCPUs answer, alone and in batches, and what becomes of requests when one dies. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addressFromHalves } from '../../src/base/addresses.ts';
import { GuestNumber, valueFromHalves } from '../../src/http/guest-number.ts';
import { Service } from '../../src/http/service.ts';
import { type Ask, askOf, SMALL_LAYOUT } from './service-fixture.ts';

let service: Service;
let ask: Ask;
const SPACE = '/v1/machines/small/address-spaces/memory';

beforeAll(async () => {
  service = await new Service({ checked: true, batch: 300 }).ready();
  ask = askOf(service);
  await ask('POST', '/v1/machines', { id: 'small', layout: SMALL_LAYOUT, vcpus: 2 });
});
afterAll(() => service.close());

const load = (address: string, size = 4) => ask('GET', `${SPACE}/memory/${address}?size=${size}`);
const store = (address: string, value: unknown, size = 4) =>
  ask('PUT', `${SPACE}/memory/${address}`, { value, size });
const batch = (...accesses: object[]) => ask('POST', `${SPACE}/accesses`, { accesses });

describe('one access', () => {
  test.each([
    [1, 0xef, '0xef', 0xef],
    [2, 0xbeef, '0xbeef', 0xbeef],
    [4, 0xdeadbeef, '0xdeadbeef', 0xdeadbeef],
    [8, '0xdeadbeef01234567', '0xdeadbeef01234567', '0xdeadbeef01234567'],
    [8, -1, '0xffffffffffffffff', '0xffffffffffffffff'],
  ])('of %i bytes is stored as %s and loaded again', async (size, given, hex, loaded) => {
    for (const value of [given, hex]) {
      expect((await store('0x1008', value, size)).body).toEqual({ result: 0, layout: 1 });
      expect((await load('0x1008', size)).body).toEqual({ value: loaded, result: 0, layout: 1 });
      await store('0x1008', 0, 8);
    }
  });

  test('that fails in the guest is an answer', async () => {
    expect((await load('0x5000')).body).toEqual({ value: 0, result: 2, layout: 1 });
    expect((await load('0xffffffffffffffff', 8)).body).toMatchObject({ result: 2 });
    expect((await store('0x5000', 1)).body).toEqual({ result: 2, layout: 1 });
  });

  test('of a device reaches its registers, which keep what was written', async () => {
    await store('0x8010', '0x11223344');
    expect((await load('0x8010')).body.value).toBe(0x11223344);
    expect((await load('0x8012', 2)).body.value).toBe(0x1122);
    expect((await load('0x8011', 1)).body.value).toBe(0x33);
    await store('0x8013', 0x99, 1);
    await store('0x8014', 0x7766, 2);
    expect((await load('0x8010', 8)).body.value).toBe('0x776699223344');
  });

  test.each([
    ['GET', `${SPACE}/memory/1000`, undefined, 400],
    ['GET', `${SPACE}/memory/0x`, undefined, 400],
    ['GET', `${SPACE}/memory/0x10000000000000000`, undefined, 400],
    ['GET', `${SPACE}/memory/0x1000?size=3`, undefined, 400],
    ['GET', `${SPACE}/memory/0x1000?bytes=4`, undefined, 400],
    ['PUT', `${SPACE}/memory/0x1000`, { value: 'x' }, 400],
    ['PUT', `${SPACE}/memory/0x1000`, { value: 0.5 }, 400],
    ['PUT', `${SPACE}/memory/0x1000`, { value: 1, size: 3 }, 400],
    ['PUT', `${SPACE}/memory/0x1000`, {}, 400],
    ['GET', '/v1/machines/small/address-spaces/none/memory/0x0', undefined, 404],
    ['GET', '/v1/machines/none/address-spaces/memory/memory/0x0', undefined, 404],
  ])('%s %s with %j is a problem', async (method, url, body, status) => {
    const answer = await ask(method, url, body);
    expect(answer.type).toBe('application/problem+json');
    expect(answer.status).toBe(status);
  });
});

describe('a batch', () => {
  test('is served in order, and answered access by access', async () => {
    const answer = await batch(
      { op: 'store', address: '0x1100', value: 41 },
      { op: 'add', address: '0x1100', value: 1 },
      { address: '0x1100' },
      { address: 0x1100, size: 8 },
      { op: 'add', address: '0x1100', size: 8, value: '0x100000000' },
      { address: '0x1104' },
      { address: '0x5000', size: 1 },
      { op: 'add', address: '0x8000', value: 1 },
    );
    expect(answer.body).toEqual({
      values: [0, 41, 42, '0x2a', '0x2a', 1, 0, 0],
      results: [0, 0, 0, 0, 0, 0, 2, 4],
      ...{ failed: 2, layout: 1 },
    });
  });

  test.each([
    ['none', [], /fewer than 1/],
    ['too many', Array.from({ length: 301 }, () => ({ address: '0x0' })), /more than 300/],
    ['an address that is none', [{ address: '0x0' }, { address: 'x' }], /body\/accesses\/1\/address/],
    ['a store of nothing', [{ op: 'store', address: '0x0' }], /accesses\/0 must have a value to store/],
    ['an add of two bytes', [{ op: 'add', address: '0x0', size: 2, value: 1 }], /a size of 4 or 8/],
    ['an operation that is none', [{ op: 'swap', address: '0x0', value: 1 }], /accesses\/0\/op/],
    ['a field that is none', [{ address: '0x0', bytes: 4 }], /additional properties/],
  ])('of %s is a problem, and nothing of it happens', async (_name, accesses, detail) => {
    await store('0x1000', 5);
    const answer = await ask('POST', `${SPACE}/accesses`, {
      accesses:
        accesses.length === 0
          ? []
          : [{ op: 'store', address: '0x1000', value: 6 }, ...accesses].slice(0, 301),
    });
    expect(answer.body).toMatchObject({ status: 400, code: 'INVALID_REQUEST' });
    if (accesses.length !== 0 && accesses.length < 300) expect(answer.body.detail).toMatch(shifted(detail));
    else expect(answer.body.detail).toMatch(detail);
    expect((await load('0x1000')).body.value).toBe(5);
  });

  test('adds of many requests at once are all counted', async () => {
    await store('0x1200', 0);
    const adds = Array.from({ length: 250 }, () => ({ op: 'add', address: '0x1200', value: 1 }));
    const answers = await Promise.all(Array.from({ length: 100 }, () => batch(...adds)));
    expect(answers.every(({ body }) => body.failed === 0)).toBe(true);
    expect((await load('0x1200')).body.value).toBe(25_000);
    const seen = answers.flatMap(({ body }) => body.values);
    expect(new Set(seen).size).toBe(25_000); // each saw another value before its own
  });
});

test('a batch sees one layout, however many are published meanwhile, and names it', async () => {
  const first = (await ask('GET', '/v1/machines/small')).body.commit;
  const both = [{ address: '0x8000' }, { address: '0x9000' }];
  const asked = async (): Promise<void> => {
    const { body } = await batch(...Array.from({ length: 100 }, () => both).flat());
    const atFirstPlace = (body.layout - first) % 2 === 0;
    const due = atFirstPlace ? [0, 2] : [2, 0];
    expect(body.results).toEqual(Array.from({ length: 100 }, () => due).flat());
  };
  const moved = async (turn: number): Promise<void> => {
    const mutations = [{ op: 'set', region: 'uart', address: turn % 2 === 0 ? '0x9000' : '0x8000' }];
    const { body } = await ask('POST', '/v1/machines/small/transactions', { mutations, waitMs: 0 });
    expect(body.commit).toBe(first + turn + 1);
  };
  const layouts = 60;
  for (let turn = 0; turn < layouts; turn += 1) await Promise.all([asked(), moved(turn), asked(), asked()]);
});

/** The message for an access that stands one later. */
const shifted = (detail: RegExp): RegExp =>
  new RegExp(
    detail.source.replace(/(accesses\\?\/)(\d)/, (_all, text, index) => `${text}${Number(index) + 1}`),
  );

test('a vCPU that dies fails the accesses that it had, and another one takes its place', async () => {
  const served = service.store.get('small');
  const before = served.accesses.vcpus;
  const inFlight = Array.from({ length: 20 }, () =>
    batch(...Array.from({ length: 300 }, () => ({ address: '0x1000' }))),
  );
  await Promise.all(before.map((vcpu) => vcpu.terminate()));
  for (const { status } of await Promise.all(inFlight)) expect([200, 503]).toContain(status);
  await expect.poll(() => served.accesses.vcpus.every((vcpu) => !before.includes(vcpu))).toBe(true);
  await served.accesses.started();
  expect((await load('0x1000')).status).toBe(200);
  const metrics = (await ask('GET', '/metrics')).text;
  expect(metrics).toMatch(/^flatview_reader_deaths_total 2$/m);
});

test('numbers are read as bigints would be', () => {
  const number = new GuestNumber();
  const both = (): bigint => addressFromHalves(number.hi, number.lo);
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), (value) => {
      expect(number.read(`0x${value.toString(16)}`)).toBe(true);
      expect(both()).toBe(value);
      expect(number.read(`0X${value.toString(16).toUpperCase()}`)).toBe(true);
      expect(both()).toBe(value);
      expect(BigInt(valueFromHalves(number.hi, number.lo, 8))).toBe(value);
    }),
  );
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      expect(number.read(value)).toBe(true);
      expect(both()).toBe(BigInt.asUintN(64, BigInt(value)));
    }),
  );
  for (const none of ['', '0x', '12', '0xg', '0x 1', `0x${'1'.repeat(17)}`, 0.5, Number.NaN, 2 ** 53])
    expect(number.read(none), String(none)).toBe(false);
});
