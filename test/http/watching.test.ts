/** What a picture of a machine is made from: its regions and views, and the events that bring them up to date. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Service } from '../../src/http/service.ts';
import { eventsUntil } from './event-stream.ts';
import { type Ask, askOf, SMALL_LAYOUT } from './service-fixture.ts';

let service: Service;
let ask: Ask;
let base: string;
const URL_OF = '/v1/machines/small';

beforeAll(async () => {
  service = await new Service({ checked: true }).ready();
  ask = askOf(service);
  base = await service.listen(0);
  await ask('POST', '/v1/machines', { id: 'small', layout: SMALL_LAYOUT });
});
afterAll(() => service.close());

const change = (...mutations: object[]) => ask('POST', `${URL_OF}/transactions`, { mutations });

/** The first event of that name after `mutations`. */
async function eventAfter(
  name: string,
  mutations: readonly object[],
  isIt = (_data: Record<string, unknown>): boolean => true,
): Promise<Record<string, unknown>> {
  let found: Record<string, unknown> = {};
  let isAsked = false;
  await eventsUntil(
    `${base}${URL_OF}/events`,
    (candidate, data) => {
      found = data;
      return isAsked && candidate === name && isIt(data);
    },
    async () => {
      isAsked = true;
      await change(...mutations);
    },
  );
  return found;
}

test('views are told with the ids of regions and spaces, and the commit that later events go on from', async () => {
  const { body } = await ask('GET', `${URL_OF}/views`);
  expect(body.commit).toBe(1);
  expect(body.views.map(({ addressSpaces }: { addressSpaces: string[] }) => addressSpaces)).toEqual([
    ['memory'],
    ['bus'],
  ]);
  expect(body.views[1].ranges).toEqual([
    {
      ...{ start: '0x8000', last: '0x8fff', type: 'i/o', name: 'uart' },
      ...{ region: 'uart', offset: '0x0', priority: 0 },
    },
  ]);
});

test('address spaces that show the same share a view', async () => {
  await change({ op: 'add-address-space', name: 'cpu', root: 'system' });
  const { body } = await ask('GET', `${URL_OF}/views`);
  expect(body.views[0].addressSpaces).toEqual(['memory', 'cpu']);
  await change({ op: 'remove-address-space', addressSpace: 'cpu' });
});

test('regions are told with owner and type', async () => {
  const { body } = await ask('GET', `${URL_OF}/regions`);
  const byId = new Map(body.map((region: { id: string }) => [region.id, region]));
  expect(byId.get('rom-window')).toMatchObject({ kind: 'alias', type: 'rom', owner: null });
  expect(byId.get('uart')).toMatchObject({ kind: 'io', type: 'i/o' });
});

describe('after a commit', () => {
  test('the regions whose fields changed are told as they are now', async () => {
    const event = await eventAfter('regions', [{ op: 'set', region: 'uart', address: '0xa000' }]);
    expect(event).toMatchObject({ complete: true, regions: [{ id: 'uart', address: '0xa000' }] });
  });

  test('a tree of another shape has to be asked for', async () => {
    const region = { id: 'new', name: 'new', kind: 'container', size: '0x1000' };
    const map = { op: 'map', container: 'bus', region: 'new', offset: '0x40000' };
    const event = await eventAfter('regions', [
      { op: 'create', region },
      map,
      { op: 'set', region: 'uart', address: '0xb000' },
    ]);
    expect(event).toMatchObject({ complete: false, regions: [] });
  });

  test('its grace period is followed until every vCPU has let go and the layout before is free', async () => {
    await ask('PUT', `${URL_OF}/load`, { vcpus: 1, addressSpace: 'memory', checkpointEvery: 100_000 });
    const mutations = [{ op: 'set', region: 'uart', address: '0xc000' }];
    const event = await eventAfter('period', mutations, ({ isOver }) => isOver === true);
    const { commit } = (await ask('GET', URL_OF)).body;
    expect(event).toMatchObject({ commit, cause: 'client' });
    const { readers, freedUs } = event as {
      readers: { how: string; heldUs: number; passedUs: number }[];
      freedUs: number;
    };
    expect(readers.map(({ how }) => how)).toEqual(['offline', 'announced']);
    for (const { heldUs, passedUs } of readers) {
      expect(passedUs).toBeGreaterThanOrEqual(heldUs);
      expect(freedUs).toBeGreaterThanOrEqual(heldUs);
    }
    await ask('DELETE', `${URL_OF}/load`);
  });

  test('readers are told when one is another than before', async () => {
    const event = await eventAfter('readers', [{ op: 'set', region: 'uart', address: '0xd000' }]);
    expect(event).toMatchObject({ readers: [{ id: 0, phase: expect.any(String) }] });
    expect(event).toHaveProperty('retiredBytes');
  });
});

describe('the page', () => {
  test.each(['/', '/vendor/uplot/uPlot.esm.js', '/vendor/uplot/uPlot.min.css'])(
    '%s is served from here, and may load nothing from elsewhere',
    async (url) => {
      const { status, headers } = await ask('GET', url);
      expect(status).toBe(200);
      expect(headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'");
    },
  );
  test('gives no other file of the chart package away', async () => {
    expect((await ask('GET', '/vendor/uplot/uPlot.cjs.js')).status).toBe(404);
  });
});
