/** Malformed layouts and sequences: one clear error each that names file, place and what is wrong; never a hang. */
import { describe, expect, test } from 'vitest';
import { flatJsonOf } from '../../src/qemu/flat-json.ts';
import { buildLayout, parseLayout } from '../../src/qemu/layout-file.ts';
import { parseSequence } from '../../src/qemu/sequence-file.ts';
import { messageOf } from '../support/message-of.ts';

type Json = Record<string, unknown>;
const ram = { id: 'r', name: 'r', kind: 'ram', size: '0x1000' };
const withRegions = (...regions: unknown[]): Json => ({
  format: 'flatview-layout/1',
  regions,
  addressSpaces: [],
});
const withRam = (fields: Json): Json => withRegions({ ...ram, ...fields });
const box = (id: string, children: unknown): Json => ({
  id,
  name: id,
  kind: 'container',
  size: '0x10',
  children,
});
const child = (id: string, priority: unknown = 0): Json => ({ id, offset: '0x0', priority });
const alias = (id: string, target: unknown): Json => ({
  id,
  name: id,
  kind: 'alias',
  size: 1,
  alias: target,
});

describe('a layout that is not one', () => {
  test.each<[string, unknown, string]>([
    ['an array', [], 'must be an object, is an array'],
    [
      'another format',
      { format: 'flatview-layout/2' },
      "format: must be one of flatview-layout/1, is 'flatview-layout/2'",
    ],
    ['no format', {}, 'format: is missing'],
    ['no regions', { format: 'flatview-layout/1' }, 'regions: is missing'],
    [
      'regions of another type',
      { format: 'flatview-layout/1', regions: {} },
      'regions: must be an array, is an object',
    ],
    ['a region of another type', withRegions(null), 'regions[0]: must be an object, is null'],
    ['no id', withRegions({ ...ram, id: undefined }), 'regions[0].id: is missing'],
    ['an id of another type', withRam({ id: 5 }), 'regions[0].id: must be a string, is 5'],
    ['the same id twice', withRegions(ram, ram), "regions[1].id: 'r' is the id of regions[0] already"],
    [
      'an unknown kind',
      withRam({ kind: 'iommu' }),
      "regions[0].kind: must be one of container, io, ram, ram-device, rom-device, alias, is 'iommu'",
    ],
    ['no size', withRam({ size: undefined }), 'regions[0].size: is missing'],
    [
      'a negative size',
      withRam({ size: -1 }),
      'regions[0].size: must be "0x" and hex digits, or an integer from 0 to 2^53 - 1, is -1',
    ],
    ['a size with a fraction', withRam({ size: 1.5 }), 'regions[0].size: must be "0x"'],
    ['a size in decimal text', withRam({ size: '16' }), 'regions[0].size: must be "0x"'],
    ['a size past 2^53 as number', withRam({ size: 1e300 }), 'regions[0].size: must be "0x"'],
    ['a size above 2^64', withRam({ size: '0x10000000000000001' }), 'regions[0].size: must be at most 2^64'],
    ['an absurdly long size', withRam({ size: `0x${'f'.repeat(100_000)}` }), 'regions[0].size: must be "0x"'],
    ['a flag of another type', withRam({ enabled: 1 }), 'regions[0].enabled: must be true or false, is 1'],
    ['an owner of another type', withRam({ owner: [] }), 'regions[0].owner: must be a string, is an array'],
    [
      'a priority above 2^31',
      withRam({ priority: 2 ** 31 }),
      'regions[0].priority: must be an integer from -2^31',
    ],
    [
      'an address of 2^64',
      withRam({ address: '0x10000000000000000' }),
      'regions[0].address: must be at most 2^64 - 1',
    ],
    ['children of another type', withRegions(box('c', 'x')), "regions[0].children: must be an array, is 'x'"],
    [
      'an unknown child',
      withRegions(box('c', [child('x')])),
      "regions[0].children[0].id: there is no region with the id 'x'",
    ],
    [
      'a child without priority',
      withRegions(box('c', [{ id: 'r', offset: 0 }])),
      'regions[0].children[0].priority: is missing',
    ],
    [
      'a priority as text',
      withRegions(box('c', [child('r', '1')]), ram),
      'regions[0].children[0].priority: must be an integer',
    ],
    [
      'children out of order',
      withRegions(box('c', [child('r', 1), child('s', 2)]), ram, { ...ram, id: 's' }),
      'regions[0].children[1].priority: 2 comes after 1; list order is priority descending',
    ],
    [
      'one child twice',
      withRegions(box('c', [child('r'), child('r')]), ram),
      "regions[0].children[1].id: 'r' is a child of regions[0] already; use an alias for a second place",
    ],
    [
      'a container in itself',
      withRegions(box('c', [child('c')])),
      "regions[0]: region 'c' would be inside itself",
    ],
    [
      'containers in each other',
      withRegions(box('c', [child('d')]), box('d', [child('c')])),
      "regions[0]: region 'c' would be inside itself",
    ],
    [
      'an alias without target',
      withRegions({ ...alias('a', {}), alias: undefined }),
      'regions[0].alias: is missing',
    ],
    [
      'an unknown target',
      withRegions(alias('a', { target: 'x', offset: 0 })),
      "regions[0].alias.target: there is no region with the id 'x'",
    ],
    [
      'an alias of itself',
      withRegions(alias('a', { target: 'a', offset: 0 })),
      "regions[0]: region 'a' would show itself",
    ],
    [
      'children of an alias',
      withRegions({ ...alias('a', { target: 'r', offset: 0 }), children: [child('r')] }, ram),
      'regions[0].children: an alias has no children',
    ],
    [
      'an alias field on RAM',
      withRam({ alias: { target: 'r', offset: 0 } }),
      "regions[0].alias: only a region of kind 'alias' has one",
    ],
    [
      'an unknown root',
      { ...withRegions(), addressSpaces: [{ name: 's', root: 'x' }] },
      "addressSpaces[0].root: there is no region with the id 'x'",
    ],
    [
      'an address space without name',
      { ...withRegions(), addressSpaces: [{ root: null }] },
      'addressSpaces[0].name: is missing',
    ],
    [
      'flat views of another type',
      { ...withRegions(), flat: [{ addressSpaces: [5] }] },
      'flat[0].addressSpaces[0]: must be a string, is 5',
    ],
  ])('%s', (_what, json, message) => {
    expect(messageOf(() => parseLayout(JSON.stringify(json), 'bad.json'))).toContain(
      `INVALID_LAYOUT: bad.json: ${message}`,
    );
  });

  test('names of the language are ordinary ids', () => {
    const regions = withRegions(box('__proto__', [child('constructor')]), { ...ram, id: 'constructor' });
    const { regionsById } = buildLayout(parseLayout(JSON.stringify(regions), 'file'));
    expect([...regionsById.keys()]).toEqual(expect.arrayContaining(['__proto__', 'constructor']));
  });
});

describe('a layout beyond bounds', () => {
  test('too many regions', () => {
    const json = { ...withRegions(), regions: Array.from({ length: 300_000 }, () => 0) };
    expect(messageOf(() => parseLayout(JSON.stringify(json), 'file'))).toMatch(
      /regions: has 300000 elements; at most 262144/,
    );
  });

  test('nested too deep', () => {
    const boxes = Array.from({ length: 50_000 }, (_, index) =>
      box(`${index}`, index > 0 ? [child(`${index - 1}`)] : []),
    );
    expect(messageOf(() => parseLayout(JSON.stringify(withRegions(...boxes)), 'file'))).toMatch(
      /nested more than 1000 deep/,
    );
  });

  test('a hundred thousand children of one container are built and rendered at once', () => {
    const count = 100_000;
    const regions = Array.from({ length: count }, (_, index) => ({ ...ram, id: `${index}`, size: 1 }));
    const children = regions.map(({ id }, index) => ({ id, offset: (index * 7919) % count, priority: 0 }));
    const root = { ...box('root', children), size: '0x10000000000000000' };
    const json = { ...withRegions(root, ...regions), addressSpaces: [{ name: 'memory', root: 'root' }] };
    const { addressSpaces } = buildLayout(parseLayout(JSON.stringify(json), 'file'));
    expect(flatJsonOf(addressSpaces)[0]!.ranges).toHaveLength(count);
  });

  test('aliases that double at each level', () => {
    const levels = Array.from({ length: 40 }, (_, index) => [
      box(`c${index}`, [child(`a${index}`), child(`b${index}`)]),
      alias(`a${index}`, { target: `c${index + 1}`, offset: 0 }),
      alias(`b${index}`, { target: `c${index + 1}`, offset: 0 }),
    ]).flat();
    const json = {
      ...withRegions(...levels, box('c40', [])),
      addressSpaces: [{ name: 'memory', root: 'c0' }],
    };
    const { addressSpaces } = buildLayout(parseLayout(JSON.stringify(json), 'file'));
    expect(messageOf(() => flatJsonOf(addressSpaces))).toMatch(/RENDER_TOO_LARGE/);
  });
});

describe('a sequence that is not one', () => {
  const first = { action: 'initial', set: [ram], drop: [], addressSpaces: [{ name: 'memory', root: 'r' }] };
  const sequence = (...steps: unknown[]): string => JSON.stringify({ format: 'flatview-sequence/1', steps });

  test.each<[string, string, string]>([
    ['no JSON', '{', 'seq.json:1:2: not JSON'],
    [
      'another format',
      JSON.stringify({ format: 'flatview-layout/1' }),
      'seq.json: format: must be one of flatview-sequence/1',
    ],
    ['no steps', sequence(), 'seq.json: steps: is empty'],
    [
      'a bad record',
      sequence({ ...first, set: [{ ...ram, size: 'x' }] }),
      'seq.json: steps[0].set[0].size: must be',
    ],
    [
      'a drop of what is not there',
      sequence(first, { drop: ['x'] }),
      "seq.json: steps[1].drop[0]: there is no region with the id 'x'",
    ],
    [
      'a drop of what is set',
      sequence(first, { set: [ram], drop: ['r'] }),
      "seq.json: steps[1].drop[0]: 'r' is also in 'set'",
    ],
    ['a drop of what is used', sequence(first, { drop: ['r'] }), 'seq.json: addressSpaces'],
    [
      'address spaces missing at first',
      sequence({ set: [ram] }),
      'seq.json: steps[0].addressSpaces: is missing',
    ],
    [
      'an id set twice',
      sequence({ ...first, set: [ram, ram] }),
      "seq.json: steps[0].set[1].id: 'r' is the id of steps[0].set[0] already",
    ],
  ])('%s', (_what, text, message) => {
    const expected =
      message === 'seq.json: addressSpaces'
        ? /seq\.json: steps\[0\]\.addressSpaces\[0\]\.root: there is no region/
        : message;
    const found = messageOf(() => parseSequence(text, 'seq.json'));
    expect(found).toMatch(/^INVALID_SEQUENCE: /);
    if (typeof expected === 'string') expect(found).toContain(expected);
    else expect(found).toMatch(expected);
  });

  test('what a step leaves out stays as it was', () => {
    const { steps, name, about } = parseSequence(sequence(first, {}), 'seq.json');
    expect(steps[1]).toMatchObject({
      action: '',
      flat: null,
      addressSpaces: [{ name: 'memory', root: 'r' }],
    });
    expect([...steps[1]!.records.keys()]).toEqual(['r']);
    expect([name, about]).toEqual(['seq.json', '']);
  });
});
