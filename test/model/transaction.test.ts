/** Transactions: together or not at all, seen by participants once, put back exactly when something throws. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AddressSpace } from '../../src/model/address-space.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import {
  type PreparedCommit,
  registerParticipant,
  type TransactionChanges,
  type TransactionParticipant,
  transaction,
  unregisterParticipant,
} from '../../src/model/transaction.ts';
import { treeState } from '../support/tree-state.ts';

const { container, ram, alias, romDevice } = MemoryRegion;

/** Notes what it is told; `onPrepare` may throw or change what it returns. */
class Recorder implements TransactionParticipant {
  readonly log: string[] = [];
  onPrepare: () => PreparedCommit | null = () => this.commit;
  private readonly commit: PreparedCommit = {
    publish: () => this.log.push('publish'),
    abandon: () => this.log.push('abandon'),
  };

  prepare({ regions, rerooted, eventfds, coalesced }: TransactionChanges): PreparedCommit | null {
    const names = (things: Iterable<{ name: string }>): string =>
      [...things]
        .map(({ name }) => name)
        .sort()
        .join(',');
    const lists = [regions, rerooted, eventfds.keys(), coalesced.keys()].map(names);
    this.log.push(`prepare ${lists.filter((text) => text !== '').join(' | ')}`);
    return this.onPrepare();
  }
}

let recorder: Recorder;
beforeEach(() => {
  recorder = new Recorder();
  registerParticipant(recorder);
});
afterEach(() => unregisterParticipant(recorder));

describe('participants are told', () => {
  test.each<[string, (tree: MemoryRegion, child: MemoryRegion) => void, string[]]>([
    ['of a property: the region', (_tree, child) => child.setSize(9), ['prepare child', 'publish']],
    [
      'of a move: the region and its container',
      (_t, child) => child.setAddress(9),
      ['prepare child,tree', 'publish'],
    ],
    [
      'of an unmapping: likewise',
      (tree, child) => tree.delSubregion(child),
      ['prepare child,tree', 'publish'],
    ],
    ['of no change: nothing', (_tree, child) => child.setSize(child.size), []],
    ['of what is in no view: nothing', () => ram('free', 1).setAddress(5), []],
  ])('%s', (_what, mutator, log) => {
    const [tree, child] = [container('tree', 64), ram('child', 4)];
    tree.addSubregion(0, child);
    recorder.log.length = 0;
    mutator(tree, child);
    expect(recorder.log).toEqual(log);
  });

  test('once for all of a transaction, nested ones included, with its result passed on', () => {
    const [tree, child] = [container('tree', 64), ram('child', 4)];
    const result = transaction(() => {
      tree.addSubregion(0, child);
      transaction(() => child.setReadonly(true));
      expect(recorder.log).toEqual([]);
      return 'result';
    });
    expect(result).toBe('result');
    expect(recorder.log).toEqual(['prepare child,tree', 'publish']);
  });

  test('nothing where mutators changed only what is disabled', () => {
    const [tree, child] = [container('tree', 64, { enabled: false }), ram('child', 4, { enabled: false })];
    tree.addSubregion(0, child);
    child.setReadonly(true);
    child.setNonvolatile(true);
    expect(recorder.log).toEqual([]);
  });

  test('of another root: the address space', () => {
    const [first, second] = [ram('first', 1), ram('second', 1)];
    const space = new AddressSpace('space', first);
    space.setRoot(second);
    space.setRoot(second);
    space.setRoot(null);
    expect(recorder.log).toEqual([
      'prepare first | space',
      'publish',
      'prepare first,second | space',
      'publish',
      'prepare second | space',
      'publish',
    ]);
  });

  test('of a root that moves: it is rendered at its own address', () => {
    const root = ram('root', 1);
    const space = new AddressSpace('space', root);
    recorder.log.length = 0;
    root.setAddress(5);
    expect(recorder.log).toEqual(['prepare root', 'publish']);
    space.setRoot(null);
  });

  test('nothing by an empty transaction', () => {
    transaction(() => {});
    expect(recorder.log).toEqual([]);
  });
});

describe('what throws is undone', () => {
  /** One region of each kind, mapped so that order matters. */
  function world(): {
    regions: MemoryRegion[];
    tree: MemoryRegion;
    spaces: AddressSpace[];
    wreck: () => void;
  } {
    const tree = container('tree', 64);
    const other = container('other', 64);
    const [a, b, c, d] = [ram('a', 4), ram('b', 4), romDevice('c', 4, null), alias('d', other, 0, 4)];
    for (const child of [a, b, c, d]) tree.addSubregion(1, child);
    const spaces = [new AddressSpace('space', tree), new AddressSpace('space')];
    const wreck = (): void => {
      a.setAddress(2);
      tree.delSubregion(b);
      other.addSubregionOverlap(5, b, 3);
      c.setRomd(false);
      c.setEnabled(false);
      d.setAliasOffset(-1);
      d.setSize(9);
      tree.delSubregion(d);
      other.setReadonly(true);
      other.setNonvolatile(true);
      other.setAddress(77);
      spaces[0]!.setRoot(other);
      spaces[1]!.setRoot(d);
      tree.addSubregion(0, d);
    };
    return { regions: [tree, other, a, b, c, d], tree, spaces, wreck };
  }

  const free = (spaces: AddressSpace[]): void => {
    for (const space of spaces) space.setRoot(null);
  };

  test('by the body: the tree is as before, down to the order of children and who sees whom', () => {
    const { regions, spaces, wreck } = world();
    const before = treeState(regions, spaces);
    recorder.log.length = 0;
    const failure = new Error('no');
    expect(() =>
      transaction(() => {
        wreck();
        throw failure;
      }),
    ).toThrow(failure);
    expect(treeState(regions, spaces)).toEqual(before);
    expect(recorder.log).toEqual([]);
    free(spaces);
  });

  test('by a nested body: back to where that began, and the outer one goes on', () => {
    const { regions, tree, spaces, wreck } = world();
    const extra = ram('extra', 1);
    transaction(() => {
      tree.addSubregion(7, extra);
      const inside = treeState([...regions, extra], spaces);
      expect(() =>
        transaction(() => {
          wreck();
          throw new Error('inner');
        }),
      ).toThrow('inner');
      expect(treeState([...regions, extra], spaces)).toEqual(inside);
    });
    expect(extra.container).toBe(tree);
    free(spaces);
  });

  test('by a participant: those that had prepared abandon, nobody publishes', () => {
    const { regions, spaces, wreck } = world();
    const refusing = new Recorder();
    refusing.onPrepare = () => {
      throw new Error('arena full');
    };
    registerParticipant(refusing);
    const before = treeState(regions, spaces);
    recorder.log.length = 0;
    expect(() => transaction(wreck)).toThrow('arena full');
    unregisterParticipant(refusing);
    expect(treeState(regions, spaces)).toEqual(before);
    expect(recorder.log).toEqual([expect.stringMatching(/^prepare/), 'abandon']);
    free(spaces);
  });

  test('a mutator of its own is undone in the same way', () => {
    recorder.onPrepare = () => {
      throw new Error('refused');
    };
    const [tree, child] = [container('tree', 64), ram('child', 4)];
    expect(() => tree.addSubregion(0, child)).toThrow('refused');
    expect(child.container).toBeNull();
    recorder.onPrepare = () => null;
    tree.addSubregion(0, child);
    expect(child.container).toBe(tree);
  });
});

describe('misuse', () => {
  test('an async body is refused and undone, and its later failure stays quiet', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    const child = ram('child', 4);
    const body = async (): Promise<void> => {
      child.setSize(8);
      await Promise.resolve();
      throw new Error('too late');
    };
    expect(() => transaction(body)).toThrow(/INVALID_ARGUMENT.*promise/);
    expect(child.size).toBe(4n);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  test.each(['prepare', 'publish'])('a mutator from inside %s() is refused', (phase) => {
    const child = ram('child', 4);
    const reenter = (): void => child.setReadonly(true);
    recorder.onPrepare = () => {
      if (phase === 'prepare') reenter();
      return { publish: reenter, abandon: () => {} };
    };
    expect(() => child.setSize(8)).toThrow(/TRANSACTION_REENTERED/);
    expect(child.readonly).toBe(false);
    expect(child.size).toBe(phase === 'prepare' ? 4n : 8n);
    recorder.onPrepare = () => null;
    child.setSize(9);
    expect(child.size).toBe(9n);
  });

  test('one participant that throws while publishing does not keep the others from it', () => {
    recorder.onPrepare = () => ({
      publish: () => {
        throw new Error('broken');
      },
      abandon: () => {},
    });
    const last = new Recorder();
    registerParticipant(last);
    expect(() => ram('child', 4).setSize(8)).toThrow('broken');
    unregisterParticipant(last);
    expect(last.log).toEqual(['prepare child', 'publish']);
  });
});
