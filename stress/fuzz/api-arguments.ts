/** Calls of the public API with arguments of any type and size. */
import { isDeepStrictEqual, types } from 'node:util';
import fc from 'fast-check';
import { MemoryError } from '../../src/base/errors.ts';
import { type ApiCall, apiCalls } from './api-calls.ts';
import type { Recipe } from './hostile.ts';
import { type FuzzTarget, HostileError, must, mustBeOneLine } from './target.ts';
import { World } from './world.ts';

interface DrawnCall {
  readonly call: ApiCall;
  readonly args: readonly Recipe<World>[];
}

const drawnCall: fc.Arbitrary<DrawnCall> = fc.constantFrom(...apiCalls).chain((call) =>
  fc.tuple(...call.args).map((args) => ({
    ...{ call, args },
    [fc.toStringMethod]: () => `${call.name}(${args.map((arg) => arg[fc.toStringMethod]()).join(', ')})`,
  })),
);

/** @returns whether it was refused. @throws what no caller could expect */
async function perform(world: World, { call, args }: DrawnCall): Promise<boolean> {
  try {
    const values = args.map((arg) => arg.make(world));
    const answer = call.call(world, ...values);
    if (types.isPromise(answer)) await answer;
    return false;
  } catch (error) {
    if (error instanceof HostileError) return true;
    if (!(error instanceof MemoryError)) throw error;
    mustBeOneLine(error);
    return true;
  }
}

export const apiArguments: FuzzTarget = {
  name: 'arguments',
  property:
    'a call of the public API is done, or refused with a MemoryError that has changed nothing; the machine works afterwards',
  quickCases: 100,
  make: () =>
    fc.asyncProperty(fc.array(drawnCall, { minLength: 1, maxLength: 4 }), async (calls) => {
      const world = new World();
      try {
        for (const call of calls) {
          const before = world.state;
          const wasRefused = await perform(world, call);
          if (wasRefused)
            must(isDeepStrictEqual(world.state, before), `${call.call.name} changed what it refused`);
        }
        world.mustWork();
      } finally {
        await world.close();
      }
    }),
};
