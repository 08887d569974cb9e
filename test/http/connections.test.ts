/** Clients that behave badly, over real connections: none of them harms another, or the service. */
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { Service } from '../../src/http/service.ts';
import type { ServiceOptions } from '../../src/http/service-options.ts';
import { askOf, SMALL_LAYOUT } from './service-fixture.ts';

const ACCESS = '/v1/machines/small/address-spaces/memory/memory/0x1000';
/** What needs no machine. */
const CATALOGUE = '/v1/catalogue';

/** Listens, and says whether another client is served as it should be. */
async function listen(service: Service, url: string) {
  const base = await service.listen(0);
  const isWell = async (): Promise<boolean> => (await fetch(`${base}${url}`)).status === 200;
  return { service, base, isWell, raw: () => rawClient(Number(new URL(base).port)) };
}

/** Without a machine; ends with the test. */
function listening(options: ServiceOptions = {}) {
  const service = new Service(options);
  onTestFinished(() => service.close());
  return listen(service, CATALOGUE);
}

/** With a machine, for many tests. */
let shared: Awaited<ReturnType<typeof listen>>;
beforeAll(async () => {
  const service = new Service({ checked: true });
  await service.store.create({ id: 'small', layout: SMALL_LAYOUT });
  shared = await listen(service, ACCESS);
});
afterAll(() => shared.service.close());

interface RawClient {
  readonly socket: Socket;
  /** All that came, once the other side has ended. */
  readonly ended: Promise<string>;
}

async function rawClient(port: number): Promise<RawClient> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk) => (text += chunk));
  const ended = new Promise<string>((resolve) => {
    socket.on('error', () => {}).on('close', () => resolve(text));
  });
  await new Promise((resolve) => socket.once('connect', resolve));
  return { socket, ended };
}

const HALF = `POST /v1/machines HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"mach`;
const WHOLE = `GET ${ACCESS} HTTP/1.1\r\nhost: localhost\r\n\r\n`;

describe('a client that', () => {
  test('goes away in the middle of many requests leaves the others theirs', async () => {
    const { isWell, raw } = shared;
    for (let client = 0; client < 20; client += 1) {
      const { socket } = await raw();
      socket.write(WHOLE.repeat(50));
      socket.destroy();
    }
    expect(await isWell()).toBe(true);
  });

  test('sends half a body is let go after a while; meanwhile nobody waits for it', async () => {
    const { isWell, raw } = await listening({ requestMs: 300 });
    const { socket, ended } = await raw();
    socket.write(HALF);
    expect(await isWell()).toBe(true);
    expect(await ended).toMatch(/^HTTP\/1\.1 408 [\s\S]*application\/problem\+json/);
    const { socket: head, ended: headEnded } = await raw();
    head.write('GET /v1/mach');
    expect(await headEnded).toMatch(/^HTTP\/1\.1 408 /);
    expect(await isWell()).toBe(true);
  });

  test.each([
    ['garbage', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 no words at all\r\n\r\n', 400],
    ['a header without end', `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`, 431],
    [
      'two lengths',
      'POST /v1/machines HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n{}',
      400,
    ],
    ['a path that is none', 'GET /%zz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n', 400],
  ])('sends %s is answered and let go', async (_name, text, status) => {
    const { isWell, raw } = shared;
    const { socket, ended } = await raw();
    socket.write(text, 'latin1');
    expect(await ended).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [\\s\\S]*"status":${status}`));
    expect(await isWell()).toBe(true);
  });

  test('asks more than its share is refused until the second is over', async () => {
    const { base, isWell } = await listening({ requestsPerSecond: 20 });
    const statuses = await Promise.all(Array.from({ length: 60 }, () => fetch(`${base}${CATALOGUE}`)));
    const refused = statuses.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]!.headers.get('retry-after')).toBe('1');
    expect(await refused[0]!.json()).toMatchObject({ code: 'RATE_LIMITED' });
    expect((await fetch(`${base}/healthz`)).status).toBe(200);
    await expect.poll(isWell).toBe(true);
  });

  test('asks for dear things more than its share may still ask for others', async () => {
    const { base, isWell } = await listening({ dearRequestsPerSecond: 3 });
    const trees = Array.from({ length: 20 }, () => fetch(`${base}/v1/machines/none/mtree`));
    const statuses = (await Promise.all(trees)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([404, 429]));
    expect(await isWell()).toBe(true);
  });

  test('opens more connections than there may be is let go', async () => {
    const { isWell, raw } = await listening({ connections: 2 });
    const first = await raw();
    await raw();
    expect(await (await raw()).ended).toBe('');
    first.socket.destroy();
    await expect.poll(() => isWell().catch(() => false)).toBe(true);
  });

  test('asks for events and does not read them costs no more than its backlog', async () => {
    const { service, isWell, raw } = shared;
    const { socket } = await raw();
    socket.write('GET /v1/machines/small/events HTTP/1.1\r\nhost: localhost\r\n\r\n');
    socket.pause();
    const served = service.store.get('small');
    const moved = (turn: number) => [
      { op: 'set', region: 'uart', address: turn % 2 === 0 ? '0x9000' : '0x8000' },
    ];
    for (let turn = 0; turn < 2000; turn += 1) served.transact(moved(turn));
    expect(await isWell()).toBe(true);
    socket.destroy();
  });
});

/** Connections, each with a request: idle ones are closed at once. */
const connectionsOf = (service: Service): Promise<number> =>
  new Promise((resolve) => service.app.server.getConnections((_error, count) => resolve(count)));

describe('when the service ends', () => {
  test('what was asked is answered, what was half asked is not waited for long, and no thread is left', async () => {
    const { service, base, raw } = await listening({ drainMs: 500 });
    await service.store.create({ id: 'small', layout: SMALL_LAYOUT });
    const half = await raw();
    half.socket.write(HALF);
    const events = await fetch(`${base}/v1/machines/small/events`);
    const accesses = { accesses: Array.from({ length: 4000 }, () => ({ address: '0x1000' })) };
    const asked = fetch(`${base}/v1/machines/small/address-spaces/memory/accesses`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(accesses),
    });
    await expect.poll(() => service.store.get('small').accesses.totals().accesses).toBe(4000);
    const closed = service.close();
    expect(service.close()).toBe(closed);
    expect((await asked).status).toBe(200);
    expect(await events.text()).toContain('event: end\n');
    await closed;
    expect(await half.ended).toBe('');
    expect(service.store.all).toEqual([]);
    await expect(fetch(`${base}/healthz`)).rejects.toThrow();
  });

  test('a request whose end comes late is answered, and makes no machine any more', async () => {
    const { service, raw } = await listening();
    const { socket, ended } = await raw();
    socket.write(HALF);
    await expect.poll(() => connectionsOf(service)).toBe(1);
    const closed = service.close();
    socket.write(`ine":"q35"${' '.repeat(83)}}`);
    expect(await ended).toMatch(/^HTTP\/1\.1 503 [\s\S]*"code":"SERVICE_CLOSING"/);
    await closed;
    expect(service.store.all).toEqual([]);
  });

  test('it is not ready while it does so, and takes no machine any more', async () => {
    const { service } = await listening();
    const ask = askOf(service);
    expect((await ask('GET', '/readyz')).body).toEqual({ status: 'ready' });
    await service.close();
    await expect(service.store.create({ layout: SMALL_LAYOUT })).rejects.toMatchObject({
      code: 'SERVICE_CLOSING',
    });
  });
});

describe('who may ask', () => {
  test('with a token: whoever carries it', async () => {
    const { base } = await listening({ token: 'open sesame' });
    const statusOf = async (path: string, token?: string): Promise<number> =>
      (
        await fetch(
          `${base}${path}`,
          token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } },
        )
      ).status;
    for (const path of [CATALOGUE, '/v1/machines', '/metrics']) {
      expect(await statusOf(path)).toBe(401);
      expect(await statusOf(path, 'open sesam')).toBe(401);
      expect(await statusOf(path, 'open sesame')).toBe(200);
    }
    for (const path of ['/healthz', '/readyz', '/', '/docs/', '/openapi.json'])
      expect(await statusOf(path)).toBe(200);
  });

  test('without one: no web page from elsewhere, whatever name it gives this computer', async () => {
    const ask = askOf(shared.service);
    const from = (host: string, origin?: string) =>
      ask('GET', '/v1/machines', undefined, { host, ...(origin !== undefined && { origin }) });
    expect((await from('localhost:8642')).status).toBe(200);
    expect((await from('[::1]:8642', 'http://[::1]:8642')).status).toBe(200);
    expect((await from('evil.example:8642')).body).toMatchObject({ status: 421, code: 'HOST_REFUSED' });
    expect((await from('localhost:8642', 'http://evil.example')).body).toMatchObject({
      status: 403,
      code: 'HOST_REFUSED',
    });
    expect((await from('127.0.0.1.evil.example')).status).toBe(421);
  });

  test('without one nobody else can reach it', async () => {
    const service = new Service();
    onTestFinished(() => service.close());
    await expect(service.listen(0, '0.0.0.0')).rejects.toThrow('needs a token');
  });
});
