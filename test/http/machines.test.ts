/** Machines over HTTP: made, shown, ended; what is refused, and how. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Service } from '../../src/http/service.ts';
import { type Ask, askOf, SMALL_LAYOUT, startService } from './service-fixture.ts';

describe('machines', () => {
  let service: Service;
  let ask: Ask;
  beforeAll(async () => {
    service = await new Service({ checked: true, machines: 2, vcpus: 3, ramBytes: 2 ** 33 }).ready();
    ask = askOf(service);
    await ask('POST', '/v1/machines', { id: 'small', layout: SMALL_LAYOUT });
  });
  afterAll(() => service.close());

  test('one is made of a bundled layout, is listed, and is gone when it was deleted', async () => {
    const made = await ask('POST', '/v1/machines', { machine: 'q35', vcpus: 2 });
    expect(made.status).toBe(201);
    expect(made.headers['location']).toBe(`/v1/machines/${made.body.id}`);
    expect(made.body).toMatchObject({ name: 'q35', regions: 152, commit: 1 });
    expect(made.body.readers).toHaveLength(2);
    const listed = await ask('GET', '/v1/machines');
    expect(listed.body.map(({ id }: { id: string }) => id)).toEqual(['small', made.body.id]);
    expect((await ask('DELETE', `/v1/machines/${made.body.id}`)).status).toBe(204);
    expect((await ask('GET', `/v1/machines/${made.body.id}`)).status).toBe(404);
  });

  test("one is made of the text of QEMU's monitor, and tells what it guessed", async () => {
    const text = await ask('GET', '/v1/machines/small/mtree?format=text&disabled=true');
    expect(text.type).toBe('text/plain');
    expect(text.text).toContain('0000000000008000-0000000000008fff (prio 0, i/o): uart');
    const made = await ask('POST', '/v1/machines?id=again&vcpus=1', text.text, {
      'content-type': 'text/plain',
    });
    expect(made.status).toBe(201);
    expect(made.body.guessed.length).toBeGreaterThan(0);
    const again = await ask('GET', '/v1/machines/again/flat?format=text');
    expect(again.text).toBe((await ask('GET', '/v1/machines/small/flat?format=text')).text);
    await ask('DELETE', '/v1/machines/again');
  });

  test('its tree, flat views, dispatch tree and regions are shown as JSON', async () => {
    const tree = await ask('GET', '/v1/machines/small/mtree');
    expect(tree.body[0]).toMatchObject({ addressSpaces: ['bus'], root: 'bus' });
    const flat = await ask('GET', '/v1/machines/small/flat?dispatch=true&pageBits=12');
    const memory = flat.body.find(
      ({ addressSpaces }: { addressSpaces: string[] }) => addressSpaces[0] === 'memory',
    );
    expect(memory.ranges.map(({ name }: { name: string }) => name)).toEqual(['ram', 'uart']);
    expect(memory.dispatch.pageBits).toBe(12);
    const regions = await ask('GET', '/v1/machines/small/regions');
    const uart = regions.body.find(({ id }: { id: string }) => id === 'uart');
    expect(uart).toMatchObject({
      kind: 'io',
      size: '0x1000',
      address: '0x8000',
      container: 'bus',
      alias: null,
    });
  });

  test('what is asked for can be read: a document and a page, in which every route of ours stands', async () => {
    const { body } = await ask('GET', '/openapi.json');
    expect(body.openapi).toBe('3.1.0');
    expect(Object.keys(body.paths)).toEqual(
      expect.arrayContaining([
        '/v1/machines/{id}/transactions',
        '/v1/machines/{id}/address-spaces/{space}/accesses',
      ]),
    );
    const access = body.paths['/v1/machines/{id}/address-spaces/{space}/memory/{address}'].get;
    expect(Object.keys(access.responses)).toEqual(['200', 'default']);
    expect((await ask('GET', '/docs/')).text).toContain('Swagger UI');
    expect((await ask('GET', '/')).text).toContain('<title>Flatview</title>');
  });

  test('an address space whose name is taken gets a number', async () => {
    const spaces = [SMALL_LAYOUT.addressSpaces[0], { name: 'memory', root: 'bus' }];
    await ask('POST', '/v1/machines', { id: 'twins', layout: { ...SMALL_LAYOUT, addressSpaces: spaces } });
    const { body } = await ask('GET', '/v1/machines/twins');
    expect(body.addressSpaces).toEqual([
      { id: 'memory', name: 'memory', root: 'system' },
      { id: 'memory#2', name: 'memory', root: 'bus' },
    ]);
    const load = (space: string) =>
      ask('GET', `/v1/machines/twins/address-spaces/${encodeURIComponent(space)}/memory/0x1000`);
    expect((await load('memory')).body.result).toBe(0);
    expect((await load('memory#2')).body.result).toBe(2);
    await ask('DELETE', '/v1/machines/twins');
  });

  test.each([
    ['an unknown machine', 'GET', '/v1/machines/none', undefined, 404, 'MACHINE_UNKNOWN', /'none'/],
    [
      'an unknown name',
      'POST',
      '/v1/machines',
      { machine: 'q36' },
      422,
      'INVALID_ARGUMENT',
      /bundled are: q35/,
    ],
    [
      'two sources',
      'POST',
      '/v1/machines',
      { machine: 'q35', mtree: 'x' },
      422,
      'INVALID_ARGUMENT',
      /give one of/,
    ],
    ['no source', 'POST', '/v1/machines', {}, 422, 'INVALID_ARGUMENT', /give one of/],
    [
      'a field that is none',
      'POST',
      '/v1/machines',
      { name: 'q35' },
      400,
      'INVALID_REQUEST',
      /additional properties/,
    ],
    [
      'an id that is taken',
      'POST',
      '/v1/machines',
      { id: 'small', machine: 'q35' },
      409,
      'MACHINE_EXISTS',
      /'small'/,
    ],
    [
      'an id that is no name',
      'POST',
      '/v1/machines',
      { id: '../x', machine: 'q35' },
      400,
      'INVALID_REQUEST',
      /body\/id/,
    ],
    [
      'more vCPUs than allowed',
      'POST',
      '/v1/machines',
      { machine: 'q35', vcpus: 4 },
      507,
      'VCPUS_EXHAUSTED',
      /3 vCPUs/,
    ],
    [
      'a bad layout',
      'POST',
      '/v1/machines',
      { layout: { format: 'flatview-layout/1' } },
      422,
      'INVALID_LAYOUT',
      /regions: is missing/,
    ],
    ['a bad text', 'POST', '/v1/machines', { mtree: 'nothing' }, 422, 'INVALID_MTREE_TEXT', /mtree:1/],
    ['a route that is none', 'PATCH', '/v1/machines', undefined, 404, 'NOT_FOUND', /PATCH/],
    [
      'a query that is none',
      'GET',
      '/v1/machines/small/flat?pageBits=x',
      undefined,
      400,
      'INVALID_REQUEST',
      /pageBits/,
    ],
    [
      'pages that are too small',
      'GET',
      '/v1/machines/small/flat?dispatch=true&pageBits=1',
      undefined,
      422,
      'INVALID_ARGUMENT',
      /./,
    ],
  ] as const)('%s is a problem', async (_name, method, url, body, status, code, detail) => {
    const before = (await ask('GET', '/v1/machines')).body.length;
    const answer = await ask(method, url, body);
    expect(answer.type).toBe('application/problem+json');
    expect(answer.body).toMatchObject({ status, code, requestId: answer.headers['x-request-id'] });
    expect(answer.body.type).toBe(`urn:flatview:problem:${code.toLowerCase().replaceAll('_', '-')}`);
    expect(answer.body.detail).toMatch(detail);
    expect(answer.status).toBe(status);
    expect((await ask('GET', '/v1/machines')).body).toHaveLength(before);
  });

  test('JSON that is none, a type that is none, and too much of it are problems', async () => {
    const json = { 'content-type': 'application/json' };
    expect((await ask('POST', '/v1/machines', '{"machine', json)).body).toMatchObject({ status: 400 });
    expect((await ask('POST', '/v1/machines', '', json)).body).toMatchObject({ status: 400 });
    const xml = await ask('POST', '/v1/machines', '<q35/>', { 'content-type': 'text/xml' });
    expect(xml.body).toMatchObject({ status: 415, code: 'INVALID_REQUEST' });
    const { ask: askSmall } = await startService({ bodyBytes: 1024 });
    const large = await askSmall('POST', '/v1/machines', { mtree: 'x'.repeat(2000) });
    expect(large.body).toMatchObject({ status: 413, code: 'BODY_TOO_LARGE' });
  });

  test('there are no more of them than the limit, also while some are being made', async () => {
    const answers = await Promise.all(
      Array.from({ length: 3 }, () => ask('POST', '/v1/machines', { layout: SMALL_LAYOUT })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 507, 507]);
    const refused = answers.find(({ status }) => status === 507);
    expect(refused!.body.code).toBe('MACHINES_EXHAUSTED');
    for (const { status, body } of answers)
      if (status === 201) await ask('DELETE', `/v1/machines/${body.id}`);
  });

  test('RAM is bounded', async () => {
    const huge = { id: 'ram', name: 'ram', kind: 'ram', size: '0x1000000000' };
    const regions = SMALL_LAYOUT.regions.map((region) => (region.id === 'ram' ? huge : region));
    const answer = await ask('POST', '/v1/machines', { layout: { ...SMALL_LAYOUT, regions } });
    expect(answer.body).toMatchObject({ status: 507, code: 'RAM_EXHAUSTED' });
  });
});

test('a request may bring its id, if it is a plain one', async () => {
  const { ask } = await startService();
  const idOf = async (id: string) =>
    (await ask('GET', '/healthz', undefined, { 'x-request-id': id })).headers['x-request-id'];
  expect(await idOf('mine-1')).toBe('mine-1');
  expect(await idOf('no\tid')).not.toBe('no\tid');
});

test('options out of their bounds are refused', () => {
  expect(() => new Service({ machines: 0 })).toThrow(
    'service option machines must be a whole number from 1 to 1024',
  );
  expect(() => new Service({ batch: 1.5 })).toThrow('service option batch');
});
