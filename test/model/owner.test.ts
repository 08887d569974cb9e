/** Owners: names of their regions, who holds them, and when their end comes. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { MemoryError } from '../../src/base/errors.ts';
import { AddressSpace } from '../../src/model/address-space.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { Owner } from '../../src/model/owner.ts';
import { registerParticipant, transaction, unregisterParticipant } from '../../src/model/transaction.ts';
import { codeOf } from '../support/code-of.ts';
import { messageOf } from '../support/message-of.ts';

const ownerOf = (path = '/machine/nic'): Owner => new Owner(path);
const ramOf = (owner: Owner | string | null, name = 'ram'): MemoryRegion =>
  MemoryRegion.ram(name, 16, { owner });

describe('names', () => {
  test.each([
    ['plain', 'plain[0]'],
    ['a/b', 'a\\x2fb[0]'],
    ['pci[0]', 'pci\\x5b0\\x5d[0]'],
    ['C:\\rom', 'C:\\x5crom[0]'],
    ['', '[0]'],
  ])('of a region %j in its path: / [ ] and \\ are escaped', (name, property) => {
    const owner = ownerOf();
    const region = ramOf(owner, name);
    expect(region.name).toBe(name);
    expect(region.path).toBe(`/machine/nic/${property}`);
  });

  test('that repeat get an index each: the first that is free in the owner', async () => {
    const owner = ownerOf();
    const regions = [ramOf(owner), ramOf(owner), ramOf(owner, 'rom'), ramOf(owner)];
    expect(regions.map(({ path }) => path.slice('/machine/nic/'.length))).toEqual([
      'ram[0]',
      'ram[1]',
      'rom[0]',
      'ram[2]',
    ]);
    expect(ramOf(ownerOf()).path).toBe('/machine/nic/ram[0]');
    expect(owner.regions).toEqual(regions);
  });

  test('without an owner are under unattached, those of a text under the text', () => {
    const [first, second] = [ramOf(null, 'only here'), ramOf(null, 'only here')];
    expect(second.path).toBe('/machine/unattached/only here[0]'); // counted when asked
    expect(first.path).toBe('/machine/unattached/only here[1]');
    expect(first.path).toBe(first.path);
    expect(ramOf('uart0', 'only here').path).toBe('uart0/only here[0]');
    expect(new Owner('/machine/peripheral/net0').name).toBe('net0');
  });
});

describe('an owner is held', () => {
  test('by its maker and by each ref(), also of its regions', () => {
    const owner = ownerOf();
    const region = ramOf(owner);
    owner.ref();
    region.ref();
    expect(owner.refCount).toBe(3);
    region.unref();
    owner.unref();
    expect(owner.refCount).toBe(1);
    ramOf(null).ref(); // lives anyway
    ramOf(null).unref();
  });

  test('by a container of another owner, or of none, not by one of its own', () => {
    const owner = ownerOf();
    const [own, foreign, child] = [
      MemoryRegion.container('own', 64, { owner }),
      MemoryRegion.container('foreign', 64),
      ramOf(owner),
    ];
    own.addSubregion(0, child);
    expect(owner.refCount).toBe(1);
    foreign.addSubregion(0, own);
    expect(owner.refCount).toBe(2);
    own.setAddress(8);
    expect(owner.refCount).toBe(2);
    foreign.delSubregion(own);
    expect(owner.refCount).toBe(1);
  });

  test('by each address space that has its region as root', () => {
    const owner = ownerOf();
    const space = new AddressSpace('memory', ramOf(owner));
    expect(owner.refCount).toBe(2);
    space.setRoot(ramOf(owner, 'other'));
    expect(owner.refCount).toBe(2);
    space.setRoot(null);
    expect(owner.refCount).toBe(1);
  });

  test('by no alias: that shows nothing once its target has ended', async () => {
    const owner = ownerOf();
    const alias = MemoryRegion.alias('alias', ramOf(owner), 0, 16);
    MemoryRegion.container('root', 16).addSubregion(0, alias);
    await owner.destroy();
    expect(alias.aliasTarget).toMatchObject({ enabled: false, isFinalized: true });
  });

  test('as before by what a transaction did that is undone', () => {
    const owner = ownerOf();
    const [root, mapped, other] = [MemoryRegion.container('root', 64), ramOf(owner), ramOf(owner, 'other')];
    root.addSubregion(0, mapped);
    const undone = (): void =>
      transaction(() => {
        root.delSubregion(mapped);
        root.addSubregion(0, other);
        root.addSubregion(32, mapped);
        throw new Error('undo');
      });
    expect(undone).toThrow('undo');
    expect(owner.refCount).toBe(2);
  });
});

describe('the end of an owner', () => {
  test('comes once nothing holds it: regions disabled, unmapped and empty, then it is told, once', async () => {
    const onFinalized = vi.fn();
    const owner = new Owner('/machine/nic', { onFinalized });
    const [own, child, other] = [MemoryRegion.container('own', 64, { owner }), ramOf(owner), ramOf(null)];
    own.addSubregion(0, child);
    own.addSubregion(32, other);
    owner.ref();
    const ended = owner.destroy();
    await nextTurn();
    expect(owner.isFinalized).toBe(false);
    expect(child.container).toBe(own);
    owner.unref();
    expect(owner.isFinalized).toBe(false); // not in the middle of what its last user does
    await ended;
    expect(onFinalized).toHaveBeenCalledTimes(1);
    expect(owner.isFinalized).toBe(true);
    expect(owner.regions).toEqual([]);
    for (const region of [own, child]) {
      expect(region).toMatchObject({ enabled: false, container: null, children: [], isFinalized: true });
    }
    expect(other).toMatchObject({ enabled: true, container: null, isFinalized: false });
    await nextTurn();
    expect(onFinalized).toHaveBeenCalledTimes(1);
  });

  test('waits for a region that is mapped in another owner’s container', async () => {
    const owner = ownerOf();
    const [root, region] = [MemoryRegion.container('root', 64), ramOf(owner)];
    root.addSubregion(0, region);
    const ended = owner.destroy();
    await nextTurn();
    expect(region).toMatchObject({ container: root, enabled: true });
    root.delSubregion(region);
    await ended;
    expect(region.isFinalized).toBe(true);
  });

  test('does not come for a reference that was dropped in a transaction which is undone', async () => {
    const owner = ownerOf();
    const [root, region] = [MemoryRegion.container('root', 64), ramOf(owner)];
    root.addSubregion(0, region);
    void owner.destroy();
    const undone = (): void =>
      transaction(() => {
        root.delSubregion(region);
        throw new Error('undo');
      });
    expect(undone).toThrow('undo');
    await nextTurn();
    expect(region).toMatchObject({ container: root, enabled: true, isFinalized: false });
  });

  test('is tried again where readers are too far behind for its transaction', async () => {
    let refusals = 2;
    const participant = {
      prepare() {
        if (refusals-- > 0) throw new MemoryError('BACK_PRESSURE', 'later');
        return null;
      },
    };
    const owner = ownerOf();
    const region = ramOf(owner);
    registerParticipant(participant);
    try {
      await owner.destroy();
    } finally {
      unregisterParticipant(participant);
    }
    expect(refusals).toBeLessThan(0);
    expect(region.isFinalized).toBe(true);
  });

  test('rejects where what it calls throws', async () => {
    const onFinalized = (): void => {
      throw new Error('no end');
    };
    await expect(new Owner('/machine/nic', { onFinalized }).destroy()).rejects.toThrow('no end');
  });
});

describe('is refused:', () => {
  test.each<[string, (owner: Owner) => void, string]>([
    ['unref without ref', (owner) => owner.unref(), 'OWNER_NOT_REFERENCED'],
    [
      'unref twice for one ref',
      (owner) => [owner.ref(), owner.unref(), owner.unref()],
      'OWNER_NOT_REFERENCED',
    ],
    ['a region’s unref without ref', (owner) => ramOf(owner).unref(), 'OWNER_NOT_REFERENCED'],
    ['to destroy it twice', (owner) => [owner.destroy(), owner.destroy()], 'OWNER_DESTROYED'],
    ['a region for one that is destroyed', (owner) => [owner.destroy(), ramOf(owner)], 'OWNER_DESTROYED'],
    ['a path that is no string', () => new Owner(7 as unknown as string), 'INVALID_ARGUMENT'],
    ['an owner that is none', () => ramOf(7 as unknown as string), 'INVALID_ARGUMENT'],
  ])('%s', (_what, body, code) => {
    const owner = ownerOf();
    owner.ref();
    owner.unref();
    expect(codeOf(() => body(owner))).toBe(code);
  });

  test('to hold one that has ended, and says so', async () => {
    const owner = ownerOf();
    await owner.destroy();
    expect(messageOf(() => owner.ref())).toMatch(/^OWNER_FINALIZED: owner '\/machine\/nic': /);
  });

  const ended = async (): Promise<MemoryRegion> => {
    const owner = ownerOf();
    const region = MemoryRegion.romDevice('ended', 16, null, { owner });
    await owner.destroy();
    return region;
  };
  test.each<[string, (region: MemoryRegion) => void]>([
    ['mapping', (region) => MemoryRegion.container('root', 16).addSubregion(0, region)],
    ['having children', (region) => region.addSubregion(0, ramOf(null))],
    ['showing', (region) => new AddressSpace('memory', region)],
    ['an alias of', (region) => MemoryRegion.alias('alias', region, 0, 1)],
    ['enabling', (region) => region.setEnabled(true)],
    ['moving', (region) => region.setAddress(8)],
    ['resizing', (region) => region.setSize(8)],
    ['leaving ROM mode of', (region) => region.setRomd(false)],
    ['making readonly', (region) => region.setReadonly(true)],
  ])('%s a region that has ended', async (_what, use) => {
    const region = await ended();
    expect(codeOf(() => use(region))).toBe('REGION_FINALIZED');
  });
});
