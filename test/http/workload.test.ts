/** Churn, load, events and metrics: what a machine can be put under, and what is told of it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Service } from '../../src/http/service.ts';
import { eventsUntil } from './event-stream.ts';
import { type Ask, askOf, SMALL_LAYOUT } from './service-fixture.ts';

let service: Service;
let ask: Ask;
let base: string;
const URL_OF = '/v1/machines/small';
const streamUrl = (): string => `${base}${URL_OF}/events`;

beforeAll(async () => {
  service = await new Service({ checked: true, vcpus: 3, streams: 1 }).ready();
  ask = askOf(service);
  base = await service.listen(0);
  await ask('POST', '/v1/machines', { id: 'small', layout: SMALL_LAYOUT });
});
afterAll(() => service.close());

const metric = async (name: string): Promise<number> => {
  const { text } = await ask('GET', '/metrics');
  const line = text.split('\n').find((candidate) => candidate.startsWith(`flatview_${name}`));
  return Number(line?.split(' ').at(-1));
};
const published = async (): Promise<number> => (await ask('GET', `${URL_OF}/churn`)).body.published;

describe('churn', () => {
  test('changes the layout until it is stopped, and leaves it as it was', async () => {
    const before = (await ask('GET', `${URL_OF}/flat?format=text`)).text;
    const started = await ask('PUT', `${URL_OF}/churn`, { rate: 'max' });
    expect(started.body).toMatchObject({ running: true, rate: 'max', problem: null });
    expect(started.body.changes.length).toBeGreaterThanOrEqual(2);
    await expect.poll(published).toBeGreaterThan(20);
    const stopped = await ask('DELETE', `${URL_OF}/churn`);
    expect(stopped.body).toMatchObject({ running: false, rate: null, problem: null });
    expect((await ask('GET', `${URL_OF}/flat?format=text`)).text).toBe(before);
    expect((await ask('GET', URL_OF)).body.commit).toBeGreaterThan(20);
  });

  test('goes on at another rate when it is asked to', async () => {
    await ask('PUT', `${URL_OF}/churn`, { rate: 0.001 });
    expect(await published()).toBeLessThanOrEqual(1);
    expect((await ask('PUT', `${URL_OF}/churn`, { rate: 10_000 })).body.rate).toBe(10_000);
    await expect.poll(published).toBeGreaterThan(5);
    await ask('DELETE', `${URL_OF}/churn`);
  });

  test('stops, and says why, if a client takes away what it changes', async () => {
    const started = await ask('PUT', `${URL_OF}/churn`, { rate: 'max' });
    const { region } = started.body.changes[0];
    const mutations = [
      { op: 'unmap', region },
      { op: 'drop', region },
    ];
    const taken = async (): Promise<number> =>
      (await ask('POST', `${URL_OF}/transactions`, { mutations, waitMs: 0 })).status;
    await expect.poll(taken, { interval: 1 }).toBe(200); // what is unmapped just now cannot be unmapped
    await expect.poll(async () => (await ask('GET', `${URL_OF}/churn`)).body.running).toBe(false);
    expect((await ask('GET', `${URL_OF}/churn`)).body.problem).toMatch(/^REGION_FINALIZED: /);
    await ask('DELETE', URL_OF);
    await ask('POST', '/v1/machines', { id: 'small', layout: SMALL_LAYOUT });
  });

  test.each([[{ rate: 0 }], [{ rate: 'fast' }], [{}], [{ rate: 1, seed: -1 }]])(
    '%j is a problem',
    async (body) => {
      expect((await ask('PUT', `${URL_OF}/churn`, body)).body).toMatchObject({ status: 400 });
    },
  );
});

describe('load', () => {
  const loaded = (): Promise<number> => metric('load_accesses_total');

  test('runs on vCPUs of its own until it is stopped, and is adjusted while it runs', async () => {
    const started = await ask('PUT', `${URL_OF}/load`, { vcpus: 2, addressSpace: 'memory' });
    expect(started.body).toMatchObject({
      running: true,
      vcpus: 2,
      rate: 'max',
      writePercent: 0,
      checkpointEvery: 1024,
    });
    await expect.poll(loaded).toBeGreaterThan(10_000);
    expect(await metric('vcpus')).toBe(3);
    expect(await metric('tlb_hits_total')).toBeGreaterThan(await metric('tlb_misses_total'));
    const vcpus = service.store.get('small').machine.vcpus;
    await ask('PUT', `${URL_OF}/load`, { vcpus: 2, addressSpace: 'memory', rate: 1000, writePercent: 50 });
    expect(service.store.get('small').machine.vcpus).toEqual(vcpus);
    const before = await loaded();
    await expect.poll(loaded).toBeGreaterThan(before);
    expect((await ask('DELETE', `${URL_OF}/load`)).body).toMatchObject({ running: false, vcpus: 0 });
    const after = await loaded();
    expect(await metric('vcpus')).toBe(1);
    expect(await loaded()).toBe(after);
  });

  test.each([
    ['more vCPUs than there are', { vcpus: 3, addressSpace: 'memory' }, 507, 'VCPUS_EXHAUSTED'],
    [
      'no access between checkpoints',
      { vcpus: 1, addressSpace: 'memory', checkpointEvery: 0 },
      400,
      'INVALID_REQUEST',
    ],
    ['an unknown address space', { vcpus: 1, addressSpace: 'none' }, 404, 'ADDRESS_SPACE_UNKNOWN'],
    [
      'more writes than accesses',
      { vcpus: 1, addressSpace: 'memory', writePercent: 101 },
      400,
      'INVALID_REQUEST',
    ],
  ])('%s is a problem', async (_name, body, status, code) => {
    expect((await ask('PUT', `${URL_OF}/load`, body)).body).toMatchObject({ status, code });
  });
});

describe('a vCPU', () => {
  const vcpuOfLoad = async (): Promise<number> => {
    await ask('PUT', `${URL_OF}/load`, { vcpus: 1, addressSpace: 'memory' });
    return (await ask('GET', URL_OF)).body.readers.at(-1).id;
  };

  test('of the load is paused, and goes on', async () => {
    const id = await vcpuOfLoad();
    const paused = await ask('PUT', `${URL_OF}/vcpus/${id}`, { paused: true });
    expect(paused.body).toEqual({ id, role: 'load', phase: 'paused', generation: null, lag: 0 });
    const before = await metric('load_accesses_total');
    expect(await metric('load_accesses_total')).toBe(before);
    await ask('PUT', `${URL_OF}/vcpus/${id}`, { paused: false });
    await expect.poll(() => metric('load_accesses_total')).toBeGreaterThan(before);
  });

  test('that is ended holds nothing up, and one that serves is replaced', async () => {
    const id = await vcpuOfLoad();
    const deaths = await metric('reader_deaths_total');
    for (const vcpu of [id, 0]) expect((await ask('DELETE', `${URL_OF}/vcpus/${vcpu}`)).status).toBe(204);
    expect(await metric('reader_deaths_total')).toBe(deaths + 2);
    const access = async (): Promise<number> =>
      (await ask('GET', `${URL_OF}/address-spaces/memory/memory/0x1000`)).status;
    await expect.poll(access, { timeout: 10_000 }).toBe(200);
    expect((await ask('DELETE', `${URL_OF}/load`)).body.running).toBe(false);
  });

  test.each([
    ['PUT', '0', { paused: true }],
    ['PUT', '77', { paused: true }],
    ['DELETE', '77', undefined],
  ])('%s of number %s is a problem', async (method, id, body) => {
    expect((await ask(method, `${URL_OF}/vcpus/${id}`, body)).body).toMatchObject({
      status: 404,
      code: 'VCPU_UNKNOWN',
    });
  });
});

describe('the stream of events', () => {
  const watch = async (machine = URL_OF): Promise<number> => {
    const response = await fetch(`${base}${machine}/events`);
    await response.body?.cancel();
    return response.status;
  };

  test('tells of a commit, what it changed and what answers there now, and of its grace period', async () => {
    const seen = new Map<string, Record<string, unknown>>();
    const mutations = [{ op: 'set', region: 'uart', address: '0x9000' }];
    await eventsUntil(
      streamUrl(),
      (name, data) => {
        seen.set(name, data);
        return ['commits', 'delta', 'grace', 'throughput'].every((due) => seen.has(due));
      },
      () => ask('POST', `${URL_OF}/transactions`, { mutations }),
    );
    const window = { start: '0x8000', last: '0x9fff' };
    expect(seen.get('commits')).toMatchObject({ count: 1, commits: [{ commit: 2, cause: 'client' }] });
    const { addressSpaces } = seen.get('delta') as { addressSpaces: { addressSpace: string }[] };
    expect(addressSpaces.find(({ addressSpace }) => addressSpace === 'memory')).toEqual({
      ...{ addressSpace: 'memory', windows: [window], complete: true },
      ranges: [
        {
          start: '0x9000',
          last: '0x9fff',
          type: 'i/o',
          name: 'uart',
          region: 'uart',
          offset: '0x0',
          priority: 0,
        },
      ],
    });
    expect(seen.get('grace')).toHaveProperty('p99Us');
    expect(seen.get('throughput')).toMatchObject({
      publicationsPerSecond: expect.any(Number),
      readers: [{ id: 0 }],
    });
  });

  test('is given to no more clients than the limit, and is free again when one goes', async () => {
    await expect.poll(() => watch()).toBe(200);
    await eventsUntil(
      streamUrl(),
      (name) => name === 'throughput',
      async () => expect(await watch()).toBe(503),
    );
    await expect.poll(() => watch()).toBe(200);
  });

  test('leaves out what a client does not take, and tells how much that was', async () => {
    let refused = 0;
    const taken: string[] = [];
    let takes = false;
    const sink = (text: string): boolean => {
      if (takes) taken.push(text);
      else refused += 1;
      return takes;
    };
    const unwatch = service.store.get('small').events.watch(sink, () => {});
    try {
      await expect.poll(() => refused).toBeGreaterThan(0);
      takes = true;
      const missed = refused;
      await expect.poll(() => taken.length).toBeGreaterThan(1);
      expect(taken[0]).toMatch(new RegExp(`^event: missed\\ndata: {"count":${missed}}\\n\\nevent: `));
      expect(taken[1]).not.toContain('event: missed');
    } finally {
      unwatch();
    }
  });

  test('ends with its machine', async () => {
    await ask('POST', '/v1/machines', { id: 'other', layout: SMALL_LAYOUT });
    let response = await fetch(`${base}/v1/machines/other/events`);
    while (response.status !== 200) response = await fetch(`${base}/v1/machines/other/events`);
    await ask('DELETE', '/v1/machines/other');
    expect(await response.text()).toContain('event: end\n');
  });
});

test('metrics count what the machines do', async () => {
  const before = await metric('commit_seconds_count');
  await ask('POST', `${URL_OF}/transactions`, { mutations: [{ op: 'set', region: 'uart', enabled: false }] });
  expect(await metric('commit_seconds_count')).toBe(before + 1);
  expect(await metric('grace_period_seconds_count')).toBeGreaterThan(0);
  const accesses = await metric('accesses_total');
  await ask('GET', `${URL_OF}/address-spaces/memory/memory/0x5000`);
  expect(await metric('accesses_total')).toBe(accesses + 1);
  expect(await metric('access_failures_total')).toBeGreaterThan(0);
  expect(await metric('http_requests_total{status="404"}')).toBeGreaterThan(0);
  const { text } = await ask('GET', '/metrics');
  for (const name of [
    'arena_retired_bytes',
    'oldest_reader_lag_generations',
    'stalls_total',
    'reader_deaths_total',
    'back_pressure_total',
    'publications_total',
  ])
    expect(text).toContain(`# TYPE flatview_${name} `);
});
