/** Transactions over HTTP: what they change, what they tell, and that they change all or nothing. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Service } from '../../src/http/service.ts';
import { type Ask, askOf, SMALL_LAYOUT } from './service-fixture.ts';

let service: Service;
let ask: Ask;
const url = '/v1/machines/small';
/** Number of the last commit before the test. */
let before: number;

beforeAll(async () => {
  service = await new Service({ checked: true, mutations: 10, ramBytes: 2 ** 20 }).ready();
  ask = askOf(service);
  await ask('POST', '/v1/machines', { id: 'small', layout: SMALL_LAYOUT });
});
afterAll(() => service.close());
beforeEach(async () => {
  before = (await ask('GET', url)).body.commit;
});

const transact = (...mutations: object[]) => ask('POST', `${url}/transactions`, { mutations });
const flat = async (): Promise<string> => (await ask('GET', `${url}/flat?format=text`)).text;
const at = async (address: string, space = 'memory'): Promise<number> =>
  (await ask('GET', `${url}/address-spaces/${space}/memory/${address}`)).body.result;

describe('a transaction', () => {
  afterEach(async () => {
    const { status } = await transact(
      { op: 'unmap', region: 'uart' },
      { op: 'map', container: 'bus', region: 'uart', offset: '0x8000' },
      { op: 'set', region: 'rom-window', enabled: false },
    );
    expect(status).toBe(200);
  });

  test('tells what answers differently, in which commit, and how long it took', async () => {
    const answer = await transact({ op: 'set', region: 'uart', address: '0x9000' });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      ...{ commit: before + 1, mutations: 1 },
      changed: expect.arrayContaining([
        { addressSpace: 'memory', start: '0x8000', last: '0x9fff' },
        { addressSpace: 'bus', start: '0x8000', last: '0x9fff' },
      ]),
    });
    expect(answer.body.commitUs).toBeGreaterThan(0);
    expect(answer.body.gracePeriodUs).toBeGreaterThan(0);
    expect([await at('0x8000'), await at('0x9000')]).toEqual([2, 0]);
  });

  test('may leave the grace period to itself', async () => {
    const mutations = [{ op: 'set', region: 'uart', address: '0x9000' }];
    const { body } = await ask('POST', `${url}/transactions`, { mutations, waitMs: 0 });
    expect(body.gracePeriodUs).toBeNull();
  });

  test('that changes nothing is no commit', async () => {
    const { body } = await transact({ op: 'set', region: 'uart', address: '0x8000' });
    expect(body).toMatchObject({ commit: before, changed: [] });
  });

  test('of several mutations is one commit, of which vCPUs see all or nothing', async () => {
    const { body } = await transact(
      { op: 'unmap', region: 'uart' },
      { op: 'map', container: 'system', region: 'uart', offset: '0x20000', priority: 3 },
      { op: 'set', region: 'rom-window', enabled: true, aliasOffset: '0x0' },
    );
    expect(body.commit).toBe(before + 1);
    expect(await flat()).toContain('0000000000020000-0000000000020fff (prio 3, i/o): uart');
    expect([await at('0x8000'), await at('0x10000'), await at('0x20000')]).toEqual([2, 0, 0]);
    expect((await ask('GET', `${url}/address-spaces/memory/memory/0x10000`)).body.layout).toBe(before + 1);
  });

  test('makes and drops regions', async () => {
    await transact(
      { op: 'create', region: { id: 'more', name: 'more', kind: 'ram', size: '0x1000' } },
      {
        op: 'create',
        region: {
          id: 'echo',
          name: 'echo',
          kind: 'alias',
          size: '0x1000',
          alias: { target: 'more', offset: '0x0' },
        },
      },
      { op: 'map', container: 'system', region: 'more', offset: '0x40000' },
      { op: 'map', container: 'system', region: 'echo', offset: '0x50000' },
    );
    await ask('PUT', `${url}/address-spaces/memory/memory/0x40004`, { value: 77 });
    expect((await ask('GET', `${url}/address-spaces/memory/memory/0x50004`)).body.value).toBe(77);
    const dropped = await transact({ op: 'unmap', region: 'echo' }, { op: 'drop', region: 'echo' });
    expect(dropped.status).toBe(200);
    expect(await at('0x50004')).toBe(2);
    expect(
      (await transact({ op: 'map', container: 'system', region: 'echo', offset: '0x0' })).body.code,
    ).toBe('REGION_UNKNOWN');
  });

  test('adds address spaces, gives them other roots, and takes them away', async () => {
    await transact({ op: 'add-address-space', name: 'dma', root: 'bus' });
    expect([await at('0x8000', 'dma'), await at('0x1000', 'dma')]).toEqual([0, 2]);
    await transact({ op: 'set-root', addressSpace: 'dma', root: 'system' });
    expect(await at('0x1000', 'dma')).toBe(0);
    await transact({ op: 'remove-address-space', addressSpace: 'dma' });
    expect((await ask('GET', `${url}/address-spaces/dma/memory/0x1000`)).body.code).toBe(
      'ADDRESS_SPACE_UNKNOWN',
    );
  });
});

/** The first always succeeds, so that there is something to take back. */
const MOVED = { op: 'set', region: 'uart', address: '0x9000' };
const MADE = { op: 'create', region: { id: 'made', name: 'made', kind: 'ram', size: '0x1000' } };
const ADDED = { op: 'add-address-space', name: 'added', root: 'bus' };

describe('a transaction that fails changes nothing, and says which mutation it was', () => {
  test.each([
    [
      'an unknown region',
      { op: 'unmap', region: 'none' },
      404,
      'REGION_UNKNOWN',
      /^mutations\[3\]: there is no region 'none'/,
    ],
    ['an unknown operation', { op: 'move', region: 'uart' }, 400, 'INVALID_REQUEST', /mutations\/3\/op/],
    [
      'a field that is missing',
      { op: 'map', region: 'made', container: 'system' },
      422,
      'INVALID_ARGUMENT',
      /mutations\[3\]\.offset: is missing/,
    ],
    [
      'an address that is none',
      { op: 'set', region: 'uart', address: 'x' },
      422,
      'INVALID_ARGUMENT',
      /mutations\[3\]\.address/,
    ],
    [
      'a region that is mapped already',
      { op: 'map', container: 'bus', region: 'ram', offset: '0x0' },
      409,
      'REGION_ALREADY_MAPPED',
      /mutations\[3\]: /,
    ],
    [
      'a region inside itself',
      { op: 'map', container: 'uart', region: 'bus', offset: '0x0' },
      409,
      'REGION_ALREADY_MAPPED',
      /mutations\[3\]/,
    ],
    [
      'RAM of another size',
      { op: 'set', region: 'ram', size: '0x9000' },
      422,
      'INVALID_ARGUMENT',
      /its bytes were allocated/,
    ],
    [
      'a mode that it has not',
      { op: 'set', region: 'uart', romd: true },
      409,
      'NOT_A_ROM_DEVICE',
      /mutations\[3\]: /,
    ],
    [
      'a region that is no alias',
      { op: 'set', region: 'uart', aliasOffset: '0x0' },
      409,
      'NOT_AN_ALIAS',
      /mutations\[3\]: /,
    ],
    ['an id that is taken', MADE, 409, 'REGION_EXISTS', /^mutations\[3\]: there is a region 'made'/],
    [
      'a record that is none',
      { op: 'create', region: { id: 'x' } },
      422,
      'INVALID_ARGUMENT',
      /mutations\[3\]\.region\.kind: is missing/,
    ],
    [
      'children of a new region',
      {
        op: 'create',
        region: {
          id: 'x',
          name: 'x',
          kind: 'container',
          size: '0x1',
          children: [{ id: 'made', offset: '0x0', priority: 0 }],
        },
      },
      422,
      'INVALID_ARGUMENT',
      /has none|have none|has no/,
    ],
    [
      'more RAM than allowed',
      { op: 'create', region: { id: 'x', name: 'x', kind: 'ram', size: '0x100000' } },
      507,
      'RAM_EXHAUSTED',
      /0x100000 bytes of RAM/,
    ],
    ['to drop what is mapped', { op: 'drop', region: 'ram' }, 422, 'INVALID_ARGUMENT', /'unmap' it first/],
    [
      'to drop a root',
      { op: 'drop', region: 'system' },
      422,
      'INVALID_ARGUMENT',
      /root of address space 'memory'/,
    ],
    [
      'to drop what an alias shows',
      { op: 'drop', region: 'rom' },
      422,
      'INVALID_ARGUMENT',
      /alias 'rom-window'/,
    ],
    [
      'to unmap what is not mapped',
      { op: 'unmap', region: 'rom' },
      422,
      'INVALID_ARGUMENT',
      /is in no container/,
    ],
    [
      'an unknown address space',
      { op: 'set-root', addressSpace: 'none', root: null },
      404,
      'ADDRESS_SPACE_UNKNOWN',
      /mutations\[3\]: /,
    ],
  ] as const)('%s', async (_name, mutation, status, code, detail) => {
    const was = [
      await flat(),
      (await ask('GET', `${url}/regions`)).text,
      (await ask('GET', url)).body.addressSpaces,
    ];
    const answer = await transact(MOVED, MADE, ADDED, mutation);
    expect(answer.body).toMatchObject({ status, code });
    expect(answer.body.detail).toMatch(detail);
    const after = [
      await flat(),
      (await ask('GET', `${url}/regions`)).text,
      (await ask('GET', url)).body.addressSpaces,
    ];
    expect(after).toEqual(was);
    expect(await at('0x8000')).toBe(0);
    expect((await ask('GET', url)).body.commit).toBe(before);
  });

  test('an alias that would show itself, which is found at the end', async () => {
    const was = await flat();
    const loop = {
      id: 'loop',
      name: 'loop',
      kind: 'alias',
      size: '0x1000',
      alias: { target: 'system', offset: '0x0' },
    };
    const answer = await transact(
      MOVED,
      { op: 'create', region: loop },
      { op: 'map', container: 'bus', region: 'loop', offset: '0x0' },
    );
    expect(answer.body).toMatchObject({ status: 409, code: 'ALIAS_CYCLE' });
    expect(await flat()).toBe(was);
  });

  test.each([
    ['no mutation', { mutations: [] }],
    ['too many', { mutations: Array.from({ length: 11 }, () => MOVED) }],
    ['none at all', {}],
    ['a wait without end', { mutations: [MOVED], waitMs: 1e9 }],
  ])('%s', async (_name, body) => {
    expect((await ask('POST', `${url}/transactions`, body)).body).toMatchObject({
      status: 400,
      code: 'INVALID_REQUEST',
    });
  });

  test('and then can be sent again without what was wrong', async () => {
    expect((await transact(MOVED, MADE, ADDED)).body).toMatchObject({ commit: before + 1, mutations: 3 });
    expect([await at('0x9000', 'added'), await at('0x9000')]).toEqual([0, 0]);
  });
});
