/** A service under test, and how tests ask it. */
import type { InjectOptions } from 'fastify';
import { Check } from 'typebox/schema';
import { expect, onTestFinished } from 'vitest';
import { Service } from '../../src/http/service.ts';
import type { ServiceOptions } from '../../src/http/service-options.ts';

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked at field by field
  readonly body: any;
}

export type Ask = (method: string, url: string, body?: unknown, headers?: object) => Promise<Answer>;

/** Asks by inject(), and holds every answer of JSON against the schema that the OpenAPI document has for it. */
export const askOf =
  (service: Service): Ask =>
  async (method, url, body, headers = {}) => {
    const request = { method, url, headers, ...(body !== undefined && { payload: body }) } as InjectOptions;
    const response = await service.app.inject(request);
    const type = String(response.headers['content-type'] ?? '').split(';', 1)[0]!;
    const isJson = type.endsWith('json');
    if (isJson) expectAsDocumented(service, method, url, response.statusCode, response.json());
    return {
      status: response.statusCode,
      type,
      headers: response.headers,
      text: response.body,
      body: isJson ? JSON.parse(response.body) : null,
    };
  };

interface Documented {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: Responses }>>>>;
}
type Responses = Readonly<
  Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
>;

function expectAsDocumented(
  service: Service,
  method: string,
  url: string,
  status: number,
  body: unknown,
): void {
  const { paths } = service.app.swagger() as unknown as Documented;
  const path = url.split('?', 1)[0]!;
  const route = Object.keys(paths).find((template) =>
    new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path),
  );
  const responses = route === undefined ? undefined : paths[route]?.[method.toLowerCase()]?.responses;
  if (responses === undefined) return; // no route of ours
  const { content } = (responses[String(status)] ?? responses['default'])!;
  const [{ schema }] = Object.values(content!) as [{ readonly schema: object }];
  expect(
    Check(schema, body),
    `${method} ${url}: ${status} ${JSON.stringify(body)} as ${JSON.stringify(schema)}`,
  ).toBe(true);
}

/** Ends with the test. */
export async function startService(options: ServiceOptions = {}): Promise<{ service: Service; ask: Ask }> {
  const service = await new Service({ checked: true, ...options }).ready();
  onTestFinished(() => service.close());
  return { service, ask: askOf(service) };
}

/**
 * Two pages of RAM at 0x1000, a device at 0x8000 that may move, ROM in an alias at 0x10000 that is off; a second
 * address space shows the device's bus alone.
 */
export const SMALL_LAYOUT = {
  format: 'flatview-layout/1',
  name: 'small',
  regions: [
    {
      id: 'system',
      name: 'system',
      kind: 'container',
      size: '0x10000000000000000',
      children: [
        { id: 'rom-window', offset: '0x10000', priority: 1 },
        { id: 'bus', offset: '0x0', priority: 0 },
        { id: 'ram', offset: '0x1000', priority: 0 },
      ],
    },
    { id: 'ram', name: 'ram', kind: 'ram', size: '0x2000' },
    {
      id: 'bus',
      name: 'bus',
      kind: 'container',
      size: '0x100000',
      children: [{ id: 'uart', offset: '0x8000', priority: 0 }],
    },
    { id: 'uart', name: 'uart', kind: 'io', size: '0x1000' },
    { id: 'rom', name: 'rom', kind: 'ram', size: '0x1000', readonly: true },
    {
      id: 'rom-window',
      name: 'rom-window',
      kind: 'alias',
      size: '0x1000',
      enabled: false,
      alias: { target: 'rom', offset: '0x0' },
    },
  ],
  addressSpaces: [
    { name: 'memory', root: 'system' },
    { name: 'bus', root: 'bus' },
  ],
};
