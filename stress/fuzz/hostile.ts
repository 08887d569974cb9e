/** Values that a caller should not give: wrong in type, in range, or in what they do when they are looked at. */
import fc from 'fast-check';
import { HostileError } from './target.ts';

const TOP = 2n ** 64n;

/**
 * An argument of a call that is about to be made, drawn as a recipe: some values cannot be printed, and no two
 * cases may share one.
 */
export class Recipe<World> {
  private readonly text: string;
  readonly make: (world: World) => unknown;

  constructor(text: string, make: (world: World) => unknown) {
    this.text = text;
    this.make = make;
  }

  [fc.toStringMethod](): string {
    return this.text;
  }
}

export const literal = (value: unknown): Recipe<unknown> => new Recipe(fc.stringify(value), () => value);

const hostile = (what: string) => (): never => {
  throw new HostileError(what);
};

/** Numbers at the borders of what somebody counts in. */
export const edgeNumbers: fc.Arbitrary<number> = fc.oneof(
  fc.constantFrom(0, -0, 1, -1, 0.5, -0.5, 7, 8, 4095, 4096, 4097, 1e-300, 1e308, Number.MIN_VALUE),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
  fc
    .tuple(fc.constantFrom(15, 16, 31, 32, 38, 52, 53, 62, 63, 64, 65), fc.constantFrom(-1, 0, 1))
    .map(([bits, by]) => 2 ** bits + by),
  fc.integer(),
  fc.double(),
);

export const edgeBigints: fc.Arbitrary<bigint> = fc.oneof(
  fc.constantFrom(
    0n,
    1n,
    -1n,
    4096n,
    TOP,
    TOP - 1n,
    TOP + 1n,
    TOP / 2n,
    -TOP / 2n,
    -TOP / 2n - 1n,
    2n ** 200n,
  ),
  fc.bigInt({ min: -TOP, max: 2n * TOP }),
);

export const edgeTexts: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('', '0', '0x', '0x10', '-1', '1e400', 'NaN', '__proto__', 'constructor', 'toString'),
  fc.constantFrom('a\0b', '\ud800', '\u202e', 'a\nb', '\x1b[31m', '../../x', 'file:///nowhere', ' '),
  fc.string({ unit: 'binary', maxLength: 12 }),
);

/** Objects without habits, and objects that answer questions with an exception. */
export const things: readonly Recipe<unknown>[] = [
  new Recipe('{}', () => ({})),
  new Recipe('[]', () => []),
  new Recipe('an object without prototype', () => Object.create(null)),
  new Recipe('a frozen object', () => Object.freeze({ size: -1, offset: Number.NaN })),
  new Recipe('a Uint8Array', () => new Uint8Array(4)),
  new Recipe('an ArrayBuffer', () => new ArrayBuffer(8)),
  new Recipe('a SharedArrayBuffer', () => new SharedArrayBuffer(8)),
  new Recipe('a Date', () => new Date(Number.NaN)),
  new Recipe('a Map', () => new Map()),
  new Recipe('a promise', () => Promise.resolve(1)),
  new Recipe('a function', () => () => 1),
  new Recipe('a symbol', () => Symbol('hostile')),
  new Recipe('an object with __proto__', () => JSON.parse('{"__proto__": {"size": 1}}')),
  new Recipe('an object that is no primitive', () => ({ [Symbol.toPrimitive]: hostile('toPrimitive') })),
  new Recipe('an object with a throwing getter', () => ({
    get name(): never {
      throw new HostileError('a getter');
    },
  })),
  new Recipe('a proxy that throws', () => new Proxy({}, { get: hostile('get'), has: hostile('has') })),
];

/** Anything at all. */
export const anyValue: fc.Arbitrary<Recipe<unknown>> = fc.oneof(
  fc.constantFrom(undefined, null, true, false).map(literal),
  edgeNumbers.map(literal),
  edgeBigints.map(literal),
  edgeTexts.map(literal),
  fc.constantFrom(...things),
);

/** Mostly what is asked for, sometimes anything: so that a call gets as far as its second argument. */
export const mostly = <World>(asked: fc.Arbitrary<Recipe<World>>, weight = 3): fc.Arbitrary<Recipe<World>> =>
  fc.oneof({ weight, arbitrary: asked }, { weight: 1, arbitrary: anyValue as fc.Arbitrary<Recipe<World>> });
