/** Commands over the public API, each done to a machine and to the model (api-model.ts), which must agree after it. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { MemoryError } from '../../src/base/errors.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { Owner } from '../../src/model/owner.ts';
import { transaction } from '../../src/model/transaction.ts';
import { ApiMachine } from './api-machine.ts';
import { ApiModel, isRam, type Kind, type ModelRegion, SIZE_MAX, WINDOW } from './api-model.ts';
import { type MutatorDraw, mutate, mutatorDraw } from './api-mutators.ts';
import { type FuzzTarget, must } from './target.ts';

const REGIONS_MAX = 14;
const SPACES_MAX = 3;

/** Both do the same, and are the same afterwards. */
class Command<T> implements fc.AsyncCommand<ApiModel, ApiMachine> {
  private readonly name: string;
  private readonly draw: T;
  private readonly perform: (model: ApiModel, real: ApiMachine, draw: T) => unknown;
  private readonly applies: (model: ApiModel) => boolean;

  constructor(
    name: string,
    draw: T,
    perform: (model: ApiModel, real: ApiMachine, draw: T) => unknown,
    applies: (model: ApiModel) => boolean = () => true,
  ) {
    this.name = name;
    this.draw = draw;
    this.perform = perform;
    this.applies = applies;
  }

  check(model: Readonly<ApiModel>): boolean {
    return this.applies(model as ApiModel);
  }

  async run(model: ApiModel, real: ApiMachine): Promise<void> {
    await this.perform(model, real, this.draw);
    await settle(model, real);
    real.mustEqual(model);
  }

  toString(): string {
    return `${this.name} ${fc.stringify(this.draw)}`;
  }
}

const command = <T>(
  name: string,
  draw: fc.Arbitrary<T>,
  perform: (model: ApiModel, real: ApiMachine, draw: T) => unknown,
  applies?: (model: ApiModel) => boolean,
): fc.Arbitrary<Command<T>> => draw.map((drawn) => new Command(name, drawn, perform, applies));

const hasSpace = ({ state }: ApiModel): boolean => state.spaces.length > 0;
const hasSpaces = ({ state }: ApiModel): boolean => state.spaces.filter((root) => root !== null).length > 1;
const hasOwner = ({ owners }: ApiModel): boolean => owners.length > 0;

interface MakeDraw {
  readonly kind: Kind;
  readonly size: number;
  readonly rank: number;
  readonly target: number;
  readonly offset: number;
  readonly owner: number;
  readonly readonly: boolean;
}

function modelRegion(
  fields: Partial<ModelRegion> & Pick<ModelRegion, 'kind' | 'rank' | 'size'>,
): ModelRegion {
  return {
    ...{ target: -1, owner: -1, address: 0, priority: 0, targetOffset: 0, enabled: true, readonly: false },
    ...{ romd: true, ended: false, container: -1, children: [], doorbell: null },
    ...fields,
  };
}

function make(model: ApiModel, real: ApiMachine, draw: MakeDraw): void {
  const { size, readonly } = draw;
  const name = `r${model.state.regions.length}`;
  const targets = model.state.regions.flatMap(({ rank, ended }, index) => (rank < 0 || ended ? [] : [index]));
  const kind = draw.kind === 'alias' && targets.length === 0 ? 'ram' : draw.kind;
  const owner = draw.owner < model.owners.length && !model.owners[draw.owner]!.destroyed ? draw.owner : -1;
  const options = { readonly, owner: owner < 0 ? null : real.owners[owner]! };
  const target = kind === 'alias' ? targets[draw.target % targets.length]! : -1;
  const rank =
    target >= 0 ? model.region(target).rank / 2 : kind === 'container' ? draw.rank : 100 + draw.rank;
  const device = real.device();
  const region = {
    container: () => MemoryRegion.container(name, size, options),
    ram: () => MemoryRegion.ram(name, size, options),
    resizable: () => MemoryRegion.resizableRam(name, size, SIZE_MAX, options),
    'rom-device': () => MemoryRegion.romDevice(name, size, device, options),
    io: () => MemoryRegion.io(name, size, device, options),
    alias: () => MemoryRegion.alias(name, real.regions[target]!, draw.offset, size, options),
  }[kind]();
  model.add(
    modelRegion({
      kind,
      rank,
      size,
      target,
      owner,
      readonly,
      targetOffset: kind === 'alias' ? draw.offset : 0,
    }),
  );
  real.addRegion(region);
}

function addSpace(model: ApiModel, real: ApiMachine): void {
  const root = MemoryRegion.container(`r${model.state.regions.length}`, 2n ** 64n);
  real.device(); // registers have the numbers of regions
  real.addRegion(root);
  model.state.spaces.push(model.add(modelRegion({ kind: 'container', rank: -1, size: WINDOW })));
  real.addSpace(real.machine.addAddressSpace(`space ${real.spaces.length}`, root));
}

/** Mutators in transactions, one in another where the list says so; some of them throw at their end. */
interface TransactionDraw {
  readonly steps: readonly (MutatorDraw | TransactionDraw)[];
  readonly throws: boolean;
}

const { tree: transactionDraw } = fc.letrec<{ tree: TransactionDraw; step: MutatorDraw | TransactionDraw }>(
  (tie) => ({
    step: fc.oneof({ maxDepth: 2 }, mutatorDraw, tie('tree')),
    tree: fc.record({
      steps: fc.array(tie('step'), { maxLength: 5 }),
      throws: fc.integer({ min: 0, max: 2 }).map((n) => n === 0),
    }),
  }),
);

function transact(model: ApiModel, real: ApiMachine, { steps, throws }: TransactionDraw): void {
  const before = model.copy();
  const undo = new Error('undone');
  try {
    transaction(() => {
      for (const step of steps) 'steps' in step ? transact(model, real, step) : mutate(model, real, step);
      if (throws) throw undo;
    });
  } catch (error) {
    if (error !== undo) throw error;
    model.state = before;
  }
}

/** Inside, every port shows what it showed before. */
function outermost(model: ApiModel, real: ApiMachine, draw: TransactionDraw): void {
  const bytes = model.state.spaces.map((_, space) =>
    Array.from({ length: WINDOW }, (_, address) => model.byteAt(model.answerIn(space, address))),
  );
  transaction(() => {
    transact(model, real, draw);
    bytes.forEach((shown, space) => {
      for (let address = space; address < WINDOW; address += 7)
        real.mustRead(
          space,
          address,
          shown[address]!,
          `byte ${address} of space ${space} inside a transaction`,
        );
    });
  });
}

const accessDraw = fc.record({ space: fc.nat(SPACES_MAX), address: fc.nat(WINDOW - 1), value: fc.nat(255) });

function write(
  model: ApiModel,
  real: ApiMachine,
  draw: { space: number; address: number; value: number },
): void {
  const space = draw.space % real.spaces.length;
  const isAnswered = model.store(model.answerIn(space, draw.address), draw.value);
  const port = real.ports[space]!;
  port.write(draw.address, 1, draw.value);
  must(port.result === (isAnswered ? 0 : 2), `a store leaves ${port.result}`);
}

function fill(
  model: ApiModel,
  real: ApiMachine,
  draw: { space: number; address: number; value: number },
): void {
  const space = draw.space % real.spaces.length;
  const end = Math.min(draw.address + 9, WINDOW);
  for (let at = draw.address; at < end; at += 1) {
    const answer = model.answerIn(space, at);
    if (answer !== null && model.region(answer.region).doorbell !== null) return; // it is not rung by single bytes
  }
  let result = 0;
  for (let at = draw.address; at < end; ) {
    const answer = model.answerIn(space, at);
    if (answer === null || answer.readonly) result = 2; // a bulk write says so
    at += answer === null || answer.readonly ? 1 : model.fillPiece(answer, draw.value, end - at);
  }
  const seen = real.ports[space]!.fill(draw.address, draw.value, end - draw.address);
  must(seen === result, `fill() gives ${seen}, not ${result}`);
}

function takeRings(model: ApiModel, real: ApiMachine): void {
  for (const [index, doorbell] of real.doorbells.entries()) {
    const rings = doorbell.take();
    must(
      rings === model.rings[index],
      `the doorbell of r${index} rang ${rings} times, not ${model.rings[index]}`,
    );
    model.rings[index] = 0;
  }
}

/** @param hold which it is, or which of those that are open to end */
function hold(model: ApiModel, real: ApiMachine, { space, end }: { space: number; end: boolean }): void {
  if (end || real.holds.length > 3) {
    const open = real.holds.shift();
    if (open === undefined) return;
    open.check();
    open.release();
    model.held.shift();
    return;
  }
  const number = space % real.spaces.length;
  const answers = Array.from({ length: WINDOW }, (_, address) => model.answerIn(number, address));
  const bytes = answers.map((answer) => answer && isRam(model.region(answer.region)) && answer);
  const view = real.ports[number]!.holdView();
  model.held.push(new Set(answers.flatMap((answer) => (answer === null ? [] : [answer.region]))));
  real.holds.push({
    release: () => view.release(),
    check: () => {
      const into = new Uint8Array(1);
      for (const [address, answer] of bytes.entries()) {
        if (!answer) continue;
        view.readBytes(address, into);
        const expected = model.bytes[answer.region]![answer.offset];
        must(into[0] === expected, `a held view shows ${into[0]} at byte ${address}, not ${expected}`);
      }
    },
  });
}

async function release(model: ApiModel, real: ApiMachine, { region }: { region: number }): Promise<void> {
  const index = region % model.state.regions.length;
  const isBacked = isRam(model.region(index)) || model.region(index).kind === 'rom-device';
  if (!isBacked || model.region(index).ended || model.isHeld(index)) return;
  const code = await real.machine.releaseRam(real.regions[index]!).then(
    () => null,
    (error: unknown) => (error instanceof MemoryError ? error.code : error),
  );
  must(code === (model.isMapped(index) ? 'REGION_STILL_MAPPED' : null), `releaseRam() gives ${String(code)}`);
  if (code === null) model.bytes[index]!.fill(0);
}

async function log(
  model: ApiModel,
  real: ApiMachine,
  { region, on }: { region: number; on: boolean },
): Promise<void> {
  const index = region % model.state.regions.length;
  const modelled = model.region(index);
  if (!isRam(modelled) || modelled.ended || modelled.size === 0) return;
  const object = real.regions[index]!;
  if (on !== model.logged.has(index)) {
    object.dirtyLog.setLog(on, 0);
    if (on) model.logged.add(index);
    else model.logged.delete(index);
    return;
  }
  const dirty = await real.machine.dirtyLog.snapshotAndClear(object, 0, modelled.size, 0);
  must(!model.mustBeDirty.has(index) || dirty.isDirty(0, 1), `a store to r${index} is in no dirty log`);
  model.mustBeDirty.delete(index);
}

function destroy(model: ApiModel, real: ApiMachine, { owner }: { owner: number }): void {
  const index = owner % model.owners.length;
  if (!model.owners[index]!.destroyed) void real.owners[index]!.destroy();
  model.owners[index]!.destroyed = true;
}

function refer(model: ApiModel, real: ApiMachine, { owner, on }: { owner: number; on: boolean }): void {
  const index = owner % model.owners.length;
  const modelled = model.owners[index]!;
  if (real.owners[index]!.isFinalized || (!on && modelled.references === 0)) return;
  if (on) real.owners[index]!.ref();
  else real.owners[index]!.unref();
  modelled.references += on ? 1 : -1;
}

/** Owners that were destroyed end when nobody keeps them; an end may let go of others. */
async function settle(model: ApiModel, real: ApiMachine): Promise<void> {
  if (model.owners.every(({ destroyed }) => !destroyed)) return;
  for (let round = 0; round <= model.owners.length; round += 1) {
    await real.machine.synchronize();
    await nextTurn();
    for (const [index, { destroyed }] of model.owners.entries())
      if (destroyed && !model.isKept(index)) model.endOwner(index);
  }
  for (const [index, { destroyed }] of model.owners.entries()) {
    const ended = destroyed && !model.isKept(index);
    must(real.owners[index]!.isFinalized === ended, `owner ${index} ${ended ? 'is not' : 'is'} finalised`);
  }
}

const madeDraw: fc.Arbitrary<MakeDraw> = fc.record({
  kind: fc.constantFrom<Kind>(
    'container',
    'container',
    'ram',
    'ram',
    'resizable',
    'rom-device',
    'io',
    'io',
    'alias',
    'alias',
  ),
  size: fc.oneof(fc.nat(4), fc.integer({ min: 4, max: SIZE_MAX }), fc.integer({ min: 4, max: SIZE_MAX })),
  rank: fc.integer({ min: 1, max: 50 }),
  ...{ target: fc.nat(30), offset: fc.nat(8), owner: fc.nat(2) },
  readonly: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
});

const hasRegion = ({ state }: ApiModel): boolean => state.regions.length > 0;
const whichOwner = fc.record({ owner: fc.nat(3), on: fc.boolean() });
const whichRegion = fc.record({ region: fc.nat(30), on: fc.boolean() });

const making: readonly fc.Arbitrary<fc.AsyncCommand<ApiModel, ApiMachine>>[] = [
  command('make', madeDraw, make, ({ state }) => state.regions.length < REGIONS_MAX),
  command('add address space', fc.constant(null), addSpace, ({ state }) => state.spaces.length < SPACES_MAX),
  command(
    'add owner',
    fc.constant(null),
    (model, real) => {
      model.owners.push({ destroyed: false, references: 0 });
      real.owners.push(new Owner(`/machine/owner${real.owners.length}`));
    },
    ({ owners }) => owners.length < 3,
  ),
];

const changing: readonly fc.Arbitrary<fc.AsyncCommand<ApiModel, ApiMachine>>[] = [
  command('mutate', mutatorDraw, (model, real, draw) => void mutate(model, real, draw), hasRegion),
  command('transaction', transactionDraw, outermost, hasRegion),
  command('destroy owner', whichOwner, destroy, hasOwner),
  command('reference owner', whichOwner, refer, hasOwner),
  command('release RAM', whichRegion, release, hasRegion),
  command(
    'remove address space',
    fc.nat(SPACES_MAX),
    async (model, real, space) => {
      const number = space % real.spaces.length;
      model.state.spaces[number] = null;
      await real.machine.removeAddressSpace(real.spaces[number]!);
    },
    hasSpaces,
  ),
];

const accessing: readonly fc.Arbitrary<fc.AsyncCommand<ApiModel, ApiMachine>>[] = [
  command('write', accessDraw, write, hasSpace),
  command('fill', accessDraw, fill, hasSpace),
  command('take rings', fc.constant(null), takeRings),
  command('hold', fc.record({ space: fc.nat(SPACES_MAX), end: fc.boolean() }), hold, hasSpace),
  command('dirty log', whichRegion, log, hasRegion),
  command('flush coalesced', fc.constant(null), (_model, real) => real.machine.flushCoalesced()),
  command(
    'write RAM',
    accessDraw,
    (model, real, { space: region, address, value }) => {
      const index = region % model.state.regions.length;
      const offset = address % SIZE_MAX;
      const modelled = model.region(index);
      if (!isRam(modelled) || modelled.ended || offset >= modelled.size) return;
      real.machine.writeRam(real.regions[index]!, offset, Uint8Array.of(value));
      model.bytes[index]![offset] = value;
    },
    hasRegion,
  ),
];

/** Something to work on, in every history: most of it is mapped somewhere. */
const mapping = command(
  'map',
  fc.tuple(mutatorDraw, fc.nat(20)).map(([draw, region]) => ({ ...draw, kind: 0, region })),
  (model, real, draw) => void mutate(model, real, draw),
);
const beginning = fc.tuple(
  ...[making[1]!, making[2]!, making[2]!, ...Array.from({ length: 8 }, () => making[0]!)],
  ...Array.from({ length: 10 }, () => mapping),
);

export const apiHistories: FuzzTarget = {
  name: 'api',
  property:
    'after any history of the public API, ports, queries and listeners agree with a byte-by-byte model',
  quickCases: 25,
  make: () => {
    const weighted = [...making, ...changing, ...changing, changing[0]!, changing[0]!, ...accessing];
    return fc.asyncProperty(
      beginning,
      fc.commands(weighted, { maxCommands: 60, size: '+1' }),
      async (first, commands) => {
        const real = new ApiMachine();
        const model = new ApiModel();
        try {
          for (const each of first) if (each.check(model)) await each.run(model, real);
          await fc.asyncModelRun(() => ({ model, real }), commands);
        } finally {
          await real.close();
        }
      },
    );
  },
};
