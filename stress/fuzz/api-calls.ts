/** Calls of the public API with arguments that are mostly right: what fuzzing of arguments draws from. */
import fc from 'fast-check';
import { fullAccessRules } from '../../src/base/access-rules.ts';
import { controlDevice, hostedDevice, localDevice } from '../../src/base/device-binding.ts';
import { MEMTXATTRS_UNSPECIFIED, memTxAttrs } from '../../src/base/mem-tx-attrs.ts';
import { memTxFailure } from '../../src/base/mem-tx-result.ts';
import { Doorbell } from '../../src/mailbox/doorbell.ts';
import { AddressSpace } from '../../src/model/address-space.ts';
import { CallbackIommu } from '../../src/model/callback-iommu.ts';
import { IommuTable } from '../../src/model/iommu-table.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { Owner } from '../../src/model/owner.ts';
import { portIoRegion } from '../../src/model/port-io.ts';
import { PortList } from '../../src/model/port-list.ts';
import { transaction } from '../../src/model/transaction.ts';
import { printFlatViews, printMtree } from '../../src/qemu/mtree-printer.ts';
import { Machine } from '../../src/service/machine.ts';
import { edgeBigints, edgeNumbers, literal, mostly, Recipe } from './hostile.ts';
import type { World } from './world.ts';

/** What JavaScript lets through, whatever the types say. */
// biome-ignore lint/suspicious/noExplicitAny: arguments of any type are the point
type Any = any;

export interface ApiCall {
  readonly name: string;
  readonly args: readonly fc.Arbitrary<Recipe<World>>[];
  readonly call: (world: World, ...args: Any[]) => unknown;
}

type Args = readonly fc.Arbitrary<Recipe<World>>[];

const of = (text: string, make: (world: World) => unknown): Recipe<World> => new Recipe(text, make);
const oneOf = (...recipes: Recipe<World>[]): fc.Arbitrary<Recipe<World>> =>
  mostly(fc.constantFrom(...recipes));

const region = oneOf(
  of('ram', ({ ram }) => ram),
  of('box', ({ box }) => box),
  of('io', ({ io }) => io),
  of('romDevice', ({ romDevice }) => romDevice),
  of('alias', ({ alias }) => alias),
  of('resizable', ({ resizable }) => resizable),
  of('a fresh region', () => MemoryRegion.ram('fresh', 0x1000)),
  of('iommu', ({ iommu }) => iommu),
);
const space = oneOf(
  of('space', ({ space }) => space),
  of('bus', ({ bus }) => bus),
  of('an unknown space', () => new AddressSpace('unknown')),
);
const offset = mostly(
  fc.oneof(fc.constantFrom(0, 4, 0x1000, 0x3fff, 0x4000n), edgeNumbers, edgeBigints).map(literal),
  6,
);
const bigint = edgeBigints.map(literal);
const size = oneOf(literal(1), literal(2), literal(4));
const flag = mostly(fc.boolean().map(literal));
const name = mostly(fc.constantFrom('name', '', 'a\nb').map(literal));
const number = mostly(edgeNumbers.map(literal));
const callback = oneOf(of('a function', () => () => {}));
const bytes = oneOf(
  of('8 bytes', () => new Uint8Array(8)),
  of('0x5000 bytes', () => new Uint8Array(0x5000)),
);

/** An object of which each field is mostly right, or missing. */
const bag = (fields: Readonly<Record<string, fc.Arbitrary<Recipe<World>>>>): fc.Arbitrary<Recipe<World>> =>
  mostly(
    fc.record(fields as Record<string, fc.Arbitrary<Recipe<World>>>, { requiredKeys: [] }).map((recipes) => {
      const entries = Object.entries(recipes) as [string, Recipe<World>][];
      const text = entries.map(([key, recipe]) => `${key}: ${recipe[fc.toStringMethod]()}`).join(', ');
      return of(`{${text}}`, (world) =>
        Object.fromEntries(entries.map(([key, recipe]) => [key, recipe.make(world)])),
      );
    }),
    8,
  );

const options = bag({
  ...{ enabled: flag, readonly: flag, nonvolatile: flag, unmergeable: flag, romd: flag, migratable: flag },
  ...{ address: offset, priority: number, ramId: name, byteOffset: number, sizeBytes: number },
  owner: oneOf(of('owner', ({ owner }) => owner)),
  onResized: callback,
});
const sizes = bag({ min: number, max: number, unaligned: flag });
const access = bag({
  valid: sizes,
  impl: sizes,
  endianness: oneOf(literal('big')),
  disableReentrancyGuard: flag,
});
const module = oneOf(literal('file:///nowhere.js'));
const device = oneOf(
  of('a control device', () => controlDevice({ read: () => 1, write: () => {} })),
  of('a device of no placement', () => ({ placement: 'moon', rules: fullAccessRules() })),
  of('a device of host 77', () => hostedDevice(77, 'file:///nowhere.js')),
  of('a device whose data is a function', () => localDevice('file:///nowhere.js', { data: () => 1 })),
  literal(null),
);
const eventfd = bag({
  ...{ offset, size: oneOf(literal(4), literal(0), literal(8)), match: offset },
  notifier: oneOf(
    of('doorbell', ({ doorbell }) => doorbell),
    literal({ id: 3 }),
    literal({ id: -1 }),
  ),
});
const client = oneOf(literal(0), literal(1), literal(2), literal(3));
const machineOption = bag({
  ...{ ramReserveBytes: oneOf(literal(4096)), arenaBytes: oneOf(literal(65_536)), garbageBytesMax: number },
  ...{ vcpuSlots: number, bounceBytesMax: number, stallMs: number, kickMs: number, patienceMs: number },
  ...{ traceAccesses: flag, checked: flag, guestEndianness: oneOf(literal('big')), onReclaimed: callback },
  ...{ vcpuHost: oneOf(literal('threads')), onStall: callback, onDeviceReport: callback },
});

const attempt = (text: string, args: Args, call: ApiCall['call']): ApiCall => ({ name: text, args, call });

const making: readonly ApiCall[] = [
  attempt('MemoryRegion.container', [name, offset, options], (_, ...a) =>
    MemoryRegion.container(...(a as [Any, Any, Any])),
  ),
  attempt('MemoryRegion.ram', [name, offset, options], (_, a, b, c) => MemoryRegion.ram(a, b, c)),
  attempt('MemoryRegion.rom', [name, offset, options], (_, a, b, c) => MemoryRegion.rom(a, b, c)),
  attempt('MemoryRegion.ramOver', [name, bytes, options], (_, a, b, c) => MemoryRegion.ramOver(a, b, c)),
  attempt('MemoryRegion.ramDevice', [name, offset, options], (_, a, b, c) => MemoryRegion.ramDevice(a, b, c)),
  attempt(
    'MemoryRegion.ramFromFile',
    [name, bag({ path: name, offset, sizeBytes: offset, readonly: flag, writeBack: flag })],
    (_, a, b) => MemoryRegion.ramFromFile(a, b),
  ),
  attempt('MemoryRegion.resizableRam', [name, offset, offset, options], (_, a, b, c, d) =>
    MemoryRegion.resizableRam(a, b, c, d),
  ),
  attempt('MemoryRegion.io', [name, offset, device, options], (_, a, b, c, d) => MemoryRegion.io(a, b, c, d)),
  attempt('MemoryRegion.romDevice', [name, offset, device, options], (_, a, b, c, d) =>
    MemoryRegion.romDevice(a, b, c, d),
  ),
  attempt(
    'MemoryRegion.iommu',
    [
      name,
      offset,
      oneOf(
        of('table', ({ table }) => table),
        of('a table', ({ space }) => new IommuTable(space)),
      ),
      options,
    ],
    (_, a, b, c, d) => MemoryRegion.iommu(a, b, c, d),
  ),
  attempt('MemoryRegion.alias', [name, region, offset, offset, options], (_, a, b, c, d, e) =>
    MemoryRegion.alias(a, b, c, d, e),
  ),
  attempt('a mapped device', [device], ({ system }, a) =>
    system.addSubregion(0x9_0000, MemoryRegion.io('mapped', 0x100, a)),
  ),
  attempt('new AddressSpace', [name, region], (_, a, b) => new AddressSpace(a, b)),
  attempt('new Owner', [name, bag({ onFinalized: callback })], (_, a, b) => new Owner(a, b)),
  attempt(
    'new IommuTable',
    [space, bag({ minPageSize: offset, indexes: number, indexFrom: name, onNotifierFlags: callback })],
    (_, a, b) => new IommuTable(a, b),
  ),
  attempt(
    'new CallbackIommu',
    [
      oneOf(of('[space]', ({ space }) => [space])),
      module,
      bag({ exportName: name, state: bytes, data: callback }),
    ],
    (_, a, b, c) => new CallbackIommu(a, b, c),
  ),
  attempt(
    'new PortList',
    [
      name,
      oneOf(
        of('[entry]', () => [{ offset: 0, length: 1, size: 1 }]),
        of('[a strange entry]', () => [null]),
      ),
    ],
    (_, a, b) => new PortList(a, b),
  ),
  attempt('PortList.add', [region, number], (_, a, b) =>
    new PortList('ports', [{ offset: 0, length: 4, size: 1 }]).add(a, b),
  ),
  attempt('portIoRegion', [name], (_, a) => portIoRegion(a)),
  attempt('Doorbell.from', [oneOf(of('handle', ({ doorbell }) => doorbell.handle))], (_, a) =>
    Doorbell.from(a),
  ),
  attempt(
    'localDevice',
    [module, bag({ exportName: name, state: bytes, lock: oneOf(literal('own')), access })],
    (_, a, b) => localDevice(a, b),
  ),
  attempt('controlDevice', [callback, bag({ access })], (_, a, b) => controlDevice(a, b)),
  attempt('hostedDevice', [number, module, bag({ access, onAsk: callback })], (_, a, b, c) =>
    hostedDevice(a, b, c),
  ),
  attempt('memTxAttrs', [bag({ space: number, pid: number, requesterId: number, secure: flag })], (_, a) =>
    memTxAttrs(a),
  ),
  attempt('memTxFailure', [number], (_, a) => memTxFailure(a)),
  attempt(
    'printMtree',
    [oneOf(of('[space]', ({ space }) => [space])), bag({ showDisabled: flag, showOwners: flag })],
    (_, a, b) => printMtree(a, b),
  ),
  attempt(
    'printFlatViews',
    [oneOf(of('[space]', ({ space }) => [space])), bag({ dispatchPageBits: number })],
    (_, a, b) => printFlatViews(a, b),
  ),
  attempt('new Machine', [machineOption], async (_, a) => new Machine(a).close()),
];

const changing: readonly ApiCall[] = [
  attempt('addSubregionOverlap', [offset, region, number], ({ box }, a, b, c) =>
    box.addSubregionOverlap(a, b, c),
  ),
  attempt('delSubregion', [region], ({ system }, a) => system.delSubregion(a)),
  ...(['setEnabled', 'setReadonly', 'setNonvolatile', 'setUnmergeable', 'setRomd'] as const).map((set) =>
    attempt(set, [flag], ({ romDevice }, a) => romDevice[set](a)),
  ),
  attempt('setAddress', [offset], ({ ram }, a) => ram.setAddress(a)),
  attempt('setSize', [offset], ({ io }, a) => io.setSize(a)),
  attempt('setAliasOffset', [offset], ({ alias }, a) => alias.setAliasOffset(a)),
  attempt('setRoot', [region], ({ space }, a) => space.setRoot(a)),
  attempt('eventfds.add', [eventfd], ({ io }, a) => io.eventfds.add(a)),
  attempt('eventfds.del', [eventfd], ({ io }, a) => io.eventfds.del(a)),
  attempt('coalescing.add', [offset, offset], ({ io }, a, b) => io.coalescing.add(a, b)),
  attempt('dirtyLog.setLog', [flag, client], ({ ram }, a, b) => ram.dirtyLog.setLog(a, b)),
  attempt('dirtyLog.setLogsCode', [flag], ({ ram }, a) => ram.dirtyLog.setLogsCode(a)),
  attempt('transaction', [callback], (_, a) => transaction(a)),
  attempt(
    'map',
    [bag({ iova: offset, size: offset, target: offset, space, permission: name, index: number })],
    ({ table }, a) => table.map(a),
  ),
  attempt('unmap', [offset, offset, number], ({ table }, a, b, c) => table.unmap(a, b, c)),
  attempt('mappingsOf', [number], ({ table }, a) => table.mappingsOf(a)),
  attempt('getAttribute', [name], ({ table }, a) => table.getAttribute(a)),
  attempt(
    'notifiers.register',
    [bag({ flags: number, start: offset, last: offset, index: number, notify: callback })],
    ({ table }, a) => table.notifiers.register(a),
  ),
  attempt('notifiers.unregister', [callback], ({ table }, a) => table.notifiers.unregister(a)),
  attempt('notifiers.replay', [callback], ({ table }, a) => table.notifiers.replay(a)),
];

const asking: readonly ApiCall[] = [
  attempt('addAddressSpace', [mostly(fc.oneof(space, name)), region], ({ machine }, a, b) =>
    machine.addAddressSpace(a, b),
  ),
  attempt('removeAddressSpace', [space], ({ machine }, a) => machine.removeAddressSpace(a)),
  attempt('flatViewOf', [space], ({ machine }, a) => machine.flatViewOf(a)),
  attempt('memory', [space], ({ machine }, a) => machine.memory(a)),
  attempt('layoutTag', [number], ({ machine }, a) => {
    machine.layoutTag = a;
  }),
  attempt('onPublication', [callback], ({ machine }, a) => machine.onPublication(a)()),
  attempt(
    'addListener',
    [bag({ name, priority: number, regionAdd: callback, logSync: callback, logSyncGlobal: callback }), space],
    ({ machine }, a, b) => machine.addListener(a, b),
  ),
  attempt('removeListener', [callback], ({ machine }, a) => machine.removeListener(a)),
  attempt(
    'startVcpu',
    [bag({ program: oneOf(literal('relative.js'), literal(7)), data: callback, addressSpaces: name })],
    ({ machine }, a) => machine.startVcpu(a),
  ),
  attempt('closeDeviceHost', [number], ({ machine }, a) => machine.closeDeviceHost(a)),
  attempt('callRcu', [callback], ({ machine }, a) => machine.callRcu(a)),
  attempt('readRam', [region, offset, offset], ({ machine }, a, b, c) => machine.readRam(a, b, c)),
  attempt('writeRam', [region, offset, bytes], ({ machine }, a, b, c) => machine.writeRam(a, b, c)),
  attempt('ramBytes', [region, offset, offset], ({ machine }, a, b, c) => machine.ramBytes(a, b, c)),
  attempt('ramAddressOf', [region, offset], ({ machine }, a, b) => machine.ramAddressOf(a, b)),
  attempt('regionFromRamAddress', [offset], ({ machine }, a) => machine.regionFromRamAddress(a)),
  attempt('resizeRam', [region, offset], ({ machine }, a, b) => machine.resizeRam(a, b)),
  attempt('syncRam', [region, offset, offset], ({ machine }, a, b, c) => machine.syncRam(a, b, c)),
  attempt('releaseRam', [region], ({ machine }, a) => machine.releaseRam(a)),
  attempt('finalizeRegion', [region], ({ machine }, a) => machine.finalizeRegion(a)),
  attempt('addBusMaster', [name, region], ({ machine }, a, b) => machine.addBusMaster(a, b)),
  attempt('getIotlbEntry', [space, offset, flag], ({ machine }, a, b, c) => machine.getIotlbEntry(a, b, c)),
  attempt('setBounceBytesMax', [space, number], ({ machine }, a, b) => machine.setBounceBytesMax(a, b)),
  attempt('flushCoalesced', [region], ({ machine }, a) => machine.flushCoalesced(a)),
  attempt('dirtyLog.snapshotAndClear', [region, offset, offset, client], ({ machine }, a, b, c, d) =>
    machine.dirtyLog.snapshotAndClear(a, b, c, d),
  ),
  attempt('dirtyLog.testAndClear', [region, offset, offset, client, bytes], ({ machine }, a, b, c, d, e) =>
    machine.dirtyLog.testAndClear(a, b, c, d, e),
  ),
  attempt('dirtyLog.isDirty', [region, offset, offset, client], ({ machine }, a, b, c, d) =>
    machine.dirtyLog.isDirty(a, b, c, d),
  ),
  attempt('dirtyLog.setDirty', [region, offset, offset], ({ machine }, a, b, c) =>
    machine.dirtyLog.setDirty(a, b, c),
  ),
  attempt('dirtyLog.flushRomDevice', [region, offset, offset], ({ machine }, a, b, c) =>
    machine.dirtyLog.flushRomDevice(a, b, c),
  ),
  attempt('dirtyTracking.start', [number], ({ machine }, a) => machine.dirtyTracking.start(a)),
  attempt('dirtyTracking.stop', [number], ({ machine }, a) => machine.dirtyTracking.stop(a)),
  attempt('dirtyTracking.sync', [region], ({ machine }, a) => machine.dirtyTracking.sync(a)),
  attempt('dirtyTracking.clear', [region, offset, offset], ({ machine }, a, b, c) =>
    machine.dirtyTracking.clear(a, b, c),
  ),
  attempt('query.find', [region, offset, offset], ({ machine }, a, b, c) =>
    machine.query.find(a, b, c)?.release(),
  ),
  attempt('query.findAt', [space, offset, offset], ({ machine }, a, b, c) =>
    machine.query.findAt(a, b, c)?.release(),
  ),
  attempt('query.isPresent', [region, offset], ({ machine }, a, b) => machine.query.isPresent(a, b)),
  attempt('query.forEachRange', [space, callback], ({ machine }, a, b) => machine.query.forEachRange(a, b)),
  attempt('query.holdView', [space], ({ machine }, a) => machine.query.holdView(a).release()),
];

/** Of the fast paths: numbers only, but any. They are taken modulo 2^32, and nothing is looked at that costs time. */
const half = edgeNumbers.map(literal);
const fast: readonly ApiCall[] = [
  ...(['load8', 'load16', 'load32', 'load64', 'load16be', 'load32be', 'load64be'] as const).map((load) =>
    attempt(load, [half, half], ({ port }, a, b) => port[load](a, b)),
  ),
  ...(['store8', 'store16', 'store32', 'store64', 'store32be', 'store64be'] as const).map((store) =>
    attempt(store, [half, half, half, half], ({ port }, a, b, c, d) => port[store](a, b, c, d)),
  ),
  attempt('atomicAdd32', [half, half, half], ({ port }, a, b, c) => port.atomicAdd32(a, b, c)),
  attempt('atomicCompareExchange32', [half, half, half, half], ({ port }, a, b, c, d) =>
    port.atomicCompareExchange32(a, b, c, d),
  ),
  attempt('atomicSwap64', [half, half, bigint], ({ port }, a, b, c) => port.atomicSwap64(a, b, c)),
];

const byAddress: readonly ApiCall[] = [
  attempt('attrs', [number], ({ port }, a) => {
    port.attrs = a;
    port.attrs = MEMTXATTRS_UNSPECIFIED;
  }),
  attempt('read', [offset, size], ({ port }, a, b) => port.read(a, b)),
  attempt('write', [offset, size, number], ({ port }, a, b, c) => port.write(a, b, c)),
  attempt('readBig', [offset], ({ port }, a) => port.readBig(a)),
  attempt('writeBig', [offset, mostly(bigint)], ({ port }, a, b) => port.writeBig(a, b)),
  attempt('readBytes', [offset, bytes], ({ port }, a, b) => port.readBytes(a, b)),
  attempt('writeBytes', [offset, bytes], ({ port }, a, b) => port.writeBytes(a, b)),
  attempt('writeRom', [offset, bytes], ({ port }, a, b) => port.writeRom(a, b)),
  attempt('fill', [offset, number, offset], ({ port }, a, b, c) => port.fill(a, b, c)),
  attempt('accessValid', [offset, offset, flag], ({ port }, a, b, c) => port.accessValid(a, b, c)),
  attempt('isIo', [offset], ({ port }, a) => port.isIo(a)),
  attempt('iotlbEntry', [offset, flag], ({ port }, a, b) => port.iotlbEntry(a, b)),
  attempt('sectionAt', [offset], ({ port }, a) => port.sectionAt(a)),
  attempt('forEachSection', [callback], ({ port }, a) => port.forEachSection(a)),
  attempt('registerMapClient', [callback], ({ port }, a) => port.registerMapClient(a)()),
  attempt('map', [offset, offset, flag, offset], ({ port }, a, b, c, d) => {
    const mapping = port.map(a, b, c);
    if (mapping === null) return;
    try {
      port.unmap(mapping, d);
    } catch (error) {
      port.unmap(mapping);
      throw error;
    }
  }),
  attempt('unmap', [bytes, number], ({ port }, a, b) => port.unmap(a, b)),
  attempt('cache', [offset, offset, flag, offset, number], ({ port }, a, b, c, d, e) => {
    const cache = port.cache(a, b, c);
    try {
      cache.load32(d);
      cache.load64be(d);
      cache.store16(d, e);
      cache.store64be(d, e, e);
      cache.readBytes(d, new Uint8Array(4));
      cache.invalidate(d, e);
    } finally {
      cache.destroy();
    }
  }),
];

export const apiCalls: readonly ApiCall[] = [...making, ...changing, ...asking, ...fast, ...byAddress];
