/**
 * Every order of the mailbox's steps, on real words. Time-outs are left out where a wake-up must do, so a
 * wake-up that is lost shows as a deadlock.
 */
import { describe, expect, test } from 'vitest';
import { type Interleaving, SAFE, type Step, step, stepsOf, walkOrders } from '../support/interleavings.ts';

const IDLE = 0;
const ANSWERED = 1;
const REQUESTED = 2; // + host
const AWAITED = 64;

const STATE = 0;
const DOORBELL = 1;
const ASLEEP = 2;
const ALIVE = 3;
const HOST = 4;
const DEVICE = 5;

/** Atomics.wait and notify: comparing and falling asleep are one step. */
class Sleeper {
  private asleep = false;
  sleepIf(words: Int32Array, index: number, expected: number): void {
    this.asleep = Atomics.load(words, index) === expected;
  }
  sleepAnyway(): void {
    this.asleep = true;
  }
  wake(): void {
    this.asleep = false;
  }
  readonly isAwake = (): boolean => !this.asleep;
}

const newWords = (): Int32Array<SharedArrayBuffer> => new Int32Array(new SharedArrayBuffer(64));

describe('one request, and a host that sleeps on its doorbell', () => {
  interface Variant {
    readonly requester?: readonly string[];
    readonly host?: readonly string[];
  }
  const REQUESTER = ['request', 'ring', 'is it asleep', 'wake it', 'look', 'mark', 'sleep', 'woken'];
  const RESPONDER = [
    'set asleep',
    'sleep',
    'woken',
    'clear asleep',
    'take bells',
    'look',
    'answer',
    'wake vCPU',
  ];

  function world({ requester = REQUESTER, host = RESPONDER }: Variant): Interleaving {
    const words = newWords();
    const vcpu = new Sleeper();
    const server = new Sleeper();
    let hostSleeps = 0;
    let served = 0;
    let isAnswered = false;
    let vcpuSleeps = false;
    const vcpuSteps: Record<string, Step> = {
      request: step('request', () => void Atomics.store(words, STATE, REQUESTED)),
      ring: step('ring', () => void Atomics.or(words, DOORBELL, 1)),
      'is it asleep': step('is it asleep', () => {
        hostSleeps = Atomics.load(words, ASLEEP);
      }),
      'wake it': step('wake it', () => {
        if (hostSleeps !== 0) server.wake();
      }),
      look: step('look', () => {
        isAnswered = Atomics.load(words, STATE) === ANSWERED;
        return isAnswered ? 'end' : undefined;
      }),
      mark: step('mark', () => void Atomics.compareExchange(words, STATE, REQUESTED, REQUESTED | AWAITED)),
      sleep: step('sleep', () => vcpu.sleepIf(words, STATE, REQUESTED | AWAITED)),
      'sleep unmarked': step('sleep unmarked', () => vcpu.sleepIf(words, STATE, REQUESTED)),
      'sleep anyway': step('sleep anyway', () => vcpu.sleepAnyway()),
      woken: step('woken', () => 'look', vcpu.isAwake),
    };
    let seen = 0;
    const hostSteps: Record<string, Step> = {
      'set asleep': step('set asleep', () => void Atomics.store(words, ASLEEP, 1)),
      sleep: step('sleep', () => server.sleepIf(words, DOORBELL, 0)),
      'look at the bell': step('look at the bell', () => {
        seen = Atomics.load(words, DOORBELL);
      }),
      'sleep if none seen': step('sleep if none seen', () => {
        if (seen === 0) server.sleepAnyway();
      }),
      woken: step('woken', () => {}, server.isAwake),
      'clear asleep': step('clear asleep', () => void Atomics.store(words, ASLEEP, 0)),
      'take bells': step('take bells', () =>
        Atomics.exchange(words, DOORBELL, 0) === 0 ? host[0]! : undefined,
      ),
      look: step('look', () =>
        (Atomics.load(words, STATE) & ~AWAITED) === REQUESTED ? undefined : host[0]!,
      ),
      answer: step('answer', () => {
        served += 1;
        vcpuSleeps = Atomics.exchange(words, STATE, ANSWERED) !== REQUESTED;
      }),
      'wake vCPU': step('wake vCPU', () => {
        if (vcpuSleeps) vcpu.wake();
      }),
    };
    return {
      threads: [
        stepsOf('vCPU', ...requester.map((name) => vcpuSteps[name]!)),
        stepsOf('host', ...host.map((name) => hostSteps[name]!)),
      ],
      verdict: () => (served === 1 && isAnswered ? SAFE : `served ${served} times`),
    };
  }

  test('is answered once, in every order', () => {
    const walk = walkOrders(() => world({}));
    expect(walk.firstBad).toBe('');
    expect(walk.orders).toBeGreaterThan(500);
  });

  test.each<[string, Variant]>([
    [
      'a host that sleeps without looking at the bell again',
      { host: ['set asleep', 'look at the bell', 'sleep if none seen', ...RESPONDER.slice(2)] },
    ],
    [
      'a host that says that it sleeps after it looked',
      { host: ['sleep', 'set asleep', ...RESPONDER.slice(2)] },
    ],
    [
      'a vCPU that looks whether the host sleeps before it rings',
      { requester: ['request', 'is it asleep', 'ring', 'wake it', ...REQUESTER.slice(4)] },
    ],
    [
      'a vCPU that rings before it has stored the request',
      { requester: ['ring', 'request', ...REQUESTER.slice(2)] },
    ],
    [
      'a vCPU that sleeps without marking its request',
      { requester: [...REQUESTER.slice(0, 5), 'sleep unmarked', 'woken'] },
    ],
    [
      'a vCPU that sleeps without comparing',
      { requester: [...REQUESTER.slice(0, 6), 'sleep anyway', 'woken'] },
    ],
  ])('the walk convicts %s', (_what, variant) => {
    const walk = walkOrders(() => world(variant));
    expect(walk.deadlocks + walk.unsafe).toBeGreaterThan(0);
  });
});

describe('a request for one host, then one for another that still looks', () => {
  const FIRST = 0;
  const SECOND = 1;

  /** `hostInState`: the state names the host. Otherwise it stands in a word of its own. */
  function world(hostInState: boolean): Interleaving {
    const words = newWords();
    const served: string[] = [];
    const state = (host: number): number => (hostInState ? REQUESTED + host : REQUESTED);
    const request = (host: number): Step[] => [
      step(`name host ${host}`, () => {
        words[HOST] = host;
      }),
      step(`name device ${host}`, () => {
        words[DEVICE] = host;
      }),
      step(`request ${host}`, () => void Atomics.store(words, STATE, state(host))),
      step(
        `answered ${host}`,
        () => void Atomics.store(words, STATE, IDLE),
        () => Atomics.load(words, STATE) === ANSWERED,
      ),
    ];
    const host = (number: number, again: boolean): Step[] => [
      step('look', () => {
        if (Atomics.load(words, STATE) === state(number)) return undefined;
        return again ? 'look again' : 'end';
      }),
      step('whose', () => (hostInState || words[HOST] === number ? undefined : again ? 'look again' : 'end')),
      step('device', () => void served.push(`host ${number}: device ${words[DEVICE]}`)),
      step('answer', () => {
        Atomics.store(words, STATE, ANSWERED);
        return 'end';
      }),
      step(
        'look again', // rung once more, by the real request
        () => 'look',
        () => Atomics.load(words, STATE) === state(number) && (hostInState || words[HOST] === number),
      ),
    ];
    return {
      threads: [
        stepsOf('vCPU', ...request(FIRST), ...request(SECOND)),
        stepsOf('first', ...host(FIRST, true)),
        stepsOf('second', ...host(SECOND, true)),
      ],
      verdict: () =>
        served.join('; ') === 'host 0: device 0; host 1: device 1' ? SAFE : `served: ${served.join('; ')}`,
    };
  }

  test('goes to the right host with the right device, in every order', () => {
    const walk = walkOrders(() => world(true));
    expect(walk.firstBad).toBe('');
    expect(walk.orders).toBeGreaterThan(20);
  });

  test('the walk convicts a host number in a word beside the state', () => {
    const walk = walkOrders(() => world(false));
    expect(walk.deadlocks + walk.unsafe).toBeGreaterThan(0);
    expect(walk.firstBad).toContain('second');
  });
});

describe('a host that dies with a request before it, during it or after it', () => {
  interface Variant {
    readonly order?: readonly ['alive', 'state'] | readonly ['state', 'alive'];
    readonly declaredBeforeExit?: boolean;
    readonly answers: boolean;
  }

  /** A host that ends after one look, and how it ended. */
  function mortalHost(words: Int32Array, vcpu: Sleeper, answers: boolean) {
    const end = { hasAnswered: false, hasExited: false };
    let isAwaited = false;
    const host = stepsOf(
      'host',
      step('look', () =>
        answers && (Atomics.load(words, STATE) & ~AWAITED) === REQUESTED ? undefined : 'exit',
      ),
      step('answer', () => {
        end.hasAnswered = true;
        isAwaited = Atomics.exchange(words, STATE, ANSWERED) !== REQUESTED;
      }),
      step('wake vCPU', () => {
        if (isAwaited) vcpu.wake();
      }),
      step('exit', () => {
        end.hasExited = true;
      }),
    );
    return { host, end };
  }

  function world({ order = ['alive', 'state'], declaredBeforeExit = false, answers }: Variant): Interleaving {
    const words = newWords();
    const vcpu = new Sleeper();
    let alive = 1;
    let state = IDLE;
    let outcome = 'none';
    let isDeclared = false;
    const { host, end } = mortalHost(words, vcpu, answers);
    Atomics.store(words, ALIVE, 1);
    const loads = {
      alive: step('load alive', () => {
        alive = Atomics.load(words, ALIVE);
      }),
      state: step('load state', () => {
        state = Atomics.load(words, STATE);
      }),
    };
    const requester = stepsOf(
      'vCPU',
      step('request', () => void Atomics.store(words, STATE, REQUESTED)),
      loads[order[0]],
      loads[order[1]],
      step('decide', () => {
        if (state === ANSWERED) outcome = 'answered';
        else if (alive === 0) outcome = 'dead';
        return outcome === 'none' ? undefined : 'idle';
      }),
      step('mark', () => void Atomics.compareExchange(words, STATE, REQUESTED, REQUESTED | AWAITED)),
      step('sleep', () => vcpu.sleepIf(words, STATE, REQUESTED | AWAITED)),
      // The time-out comes late: only when nobody can wake it any more.
      step(
        'woken',
        () => `load ${order[0]}`,
        () => vcpu.isAwake() || (isDeclared && end.hasExited),
      ),
      step('idle', () => void Atomics.store(words, STATE, IDLE)),
    );
    const control = stepsOf(
      'control',
      step(
        'declare dead',
        () => void Atomics.store(words, ALIVE, 0),
        () => declaredBeforeExit || end.hasExited,
      ),
      step('wake vCPU', () => {
        vcpu.wake();
        isDeclared = true;
      }),
    );
    return {
      threads: [requester, host, control],
      verdict: () => {
        if (Atomics.load(words, STATE) !== IDLE) return 'an answer lands in the next request';
        if (end.hasAnswered && outcome === 'dead') return 'an answer was thrown away';
        return outcome === 'none' ? 'it never ended' : SAFE;
      },
    };
  }

  test.each([true, false])('ends the access in every order; the host answers: %s', (answers) => {
    const walk = walkOrders(() => world({ answers }));
    expect(walk.firstBad).toBe('');
    expect(walk.orders).toBeGreaterThan(50);
  });

  test('the walk convicts a control thread that does not wait for the exit', () => {
    const walk = walkOrders(() => world({ answers: true, declaredBeforeExit: true }));
    expect(walk.firstBad).toContain('lands in the next request');
  });

  test('the walk convicts a vCPU that looks at the state before ALIVE', () => {
    const walk = walkOrders(() => world({ answers: true, order: ['state', 'alive'] }));
    expect(walk.firstBad).toContain('thrown away');
  });
});

/** The control thread gave up on the first host; it asks the second by the same mailbox. The first may still answer. */
describe('a request that its asker gave up, and the next', () => {
  const FIRST = REQUESTED;
  const SECOND = REQUESTED + 1;
  const ANSWER = HOST;
  type WaitsFor = 'the answer, or the death of its host' | 'the answer' | 'nothing';

  /** The first host ends after `hostSteps` of its three. */
  function world(waitsFor: WaitsFor, hostSteps: number): Interleaving {
    const words = newWords();
    let hasExited = false;
    let complaint: string | null = 'the second request was not made';
    Atomics.store(words, ALIVE, 1);
    const state = (): number => Atomics.load(words, STATE);
    const hostIsDead = (): boolean => Atomics.load(words, ALIVE) === 0;
    const asks = (request: number): Step[] => [
      step(`write ${request}`, () => {
        words[DEVICE] = request;
      }),
      step(`request ${request}`, () => void Atomics.store(words, STATE, request)),
    ];
    const next = `write ${SECOND}`;
    const requester = stepsOf(
      'requester',
      ...asks(FIRST),
      step('look at the state', () => (waitsFor === 'nothing' || state() !== FIRST ? next : undefined)),
      step('look at the host', () =>
        waitsFor === 'the answer, or the death of its host' && hostIsDead() ? next : undefined,
      ),
      step(
        'ask again later',
        () => 'look at the state',
        () => state() !== FIRST || (hostIsDead() && waitsFor !== 'the answer'),
      ),
      ...asks(SECOND),
      step(
        'take the answer',
        () => {
          complaint = words[ANSWER] === SECOND ? SAFE : 'the answer to another request';
        },
        () => state() === ANSWERED,
      ),
    );
    const serves = (request: number): Step[] => [
      step(
        'look',
        () => (state() === request ? undefined : 'exit'),
        () => request === FIRST || state() === SECOND || complaint !== 'the second request was not made',
      ),
      step('write the answer', () => {
        words[ANSWER] = words[DEVICE]!; // a word of another request, if that was written meanwhile
      }),
      step('answer', () => void Atomics.exchange(words, STATE, ANSWERED)),
    ];
    const exit = step('exit', () => {
      hasExited = true;
    });
    const declare = step(
      'declare dead',
      () => void Atomics.store(words, ALIVE, 0),
      () => hasExited,
    );
    return {
      threads: [
        requester,
        stepsOf('first host', ...serves(FIRST).slice(0, hostSteps), exit),
        stepsOf(
          'second host',
          ...serves(SECOND),
          step('exit', () => {}),
        ),
        stepsOf('control', declare),
      ],
      verdict: () => complaint,
    };
  }
  const STEPS = [0, 1, 2, 3];
  const walks = (waitsFor: WaitsFor): string[] =>
    STEPS.map((hostSteps) => walkOrders(() => world(waitsFor, hostSteps)).firstBad);

  test('are kept apart, and the mailbox is free again when nobody can answer', () => {
    expect(walks('the answer, or the death of its host')).toEqual(STEPS.map(() => ''));
  });

  test('the walk convicts a mailbox that is kept for the answer of a dead host', () => {
    expect(walks('the answer')[0]).toContain('deadlock: requester');
  });

  test('the walk convicts one that is used again at once', () => {
    expect(walks('nothing')[3]).toMatch(/the answer to another request|deadlock/);
  });
});
