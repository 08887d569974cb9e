import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MEMTX_DECODE_ERROR, MEMTX_ERROR, MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import {
  createControlBlock,
  deviceHostWord,
  mailboxWord,
  type SharedWords,
} from '../../src/layout/control-block.ts';
import * as layout from '../../src/layout/mailbox.ts';
import { MailboxRequester } from '../../src/mailbox/requester.ts';
import { type AccessServer, MailboxResponder } from '../../src/mailbox/responder.ts';
import { recordOperations } from '../support/stepped-atomics.ts';

const HOST = 3;
const SLOT = 5;
const host = deviceHostWord(HOST);
const mailbox = mailboxWord(SLOT);

/** Serves by a function; notes what it was asked. */
class Server implements AccessServer {
  result = MEMTX_OK;
  high = 0;
  readonly asked: unknown[] = [];
  answer: () => number = () => 0;
  replayQueued(): void {}
  serve(...request: [number, number, number, number, number, number, number]): number {
    this.asked.push(request);
    return this.answer();
  }
}

let words: SharedWords;
let server: Server;
let responder: MailboxResponder;
beforeEach(() => {
  words = createControlBlock();
  words[host + layout.DEVICE_HOST_ALIVE] = 1;
  server = new Server();
  responder = new MailboxResponder(words, HOST, server);
});
afterEach(() => responder.stop());

/** What the responder does when it is woken, without its event loop. */
interface Inside {
  takeBells(): void;
}
const takeBells = (): void => (responder as unknown as Inside).takeBells();
const stateOf = (slot: number): number => words[mailboxWord(slot) + layout.MAILBOX_STATE]!;

/** Answers inside the vCPU's own notify, as if the host ran on another core. */
function answeringAtOnce<T>(body: () => T): T {
  const notify = Atomics.notify;
  words[host + layout.DEVICE_HOST_ASLEEP] = 1;
  Atomics.notify = (array, index, count) => {
    if (index === host + layout.DEVICE_HOST_DOORBELL) takeBells();
    return notify(array as Int32Array, index, count);
  };
  try {
    return body();
  } finally {
    Atomics.notify = notify;
  }
}

const request = (slot: number, toHost: number, device: number): void => {
  words[mailboxWord(slot) + layout.MAILBOX_DEVICE] = device;
  words[mailboxWord(slot) + layout.MAILBOX_ACCESS] = 4;
  Atomics.store(words, mailboxWord(slot) + layout.MAILBOX_STATE, layout.requestedState(toHost));
  Atomics.or(words, deviceHostWord(toHost) + layout.DEVICE_HOST_DOORBELL, layout.doorbellBit(slot));
};

describe('an access', () => {
  test('arrives whole and brings answer and result back', () => {
    const requester = new MailboxRequester(words, SLOT);
    server.answer = () => -7;
    server.result = MEMTX_DECODE_ERROR;
    server.high = 0x1234;
    const offset = 2 ** 40 + 0xffff_fff0;
    expect(
      answeringAtOnce(() =>
        requester.access(HOST, 9, offset, layout.writeAccess(4), 0xfedc_ba98 | 0, -3, 0x7001),
      ),
    ).toBe(-7);
    expect([requester.result, requester.high]).toEqual([MEMTX_DECODE_ERROR, 0x1234]);
    expect(server.asked).toEqual([[SLOT, 9, offset, layout.writeAccess(4), 0xfedc_ba98 | 0, -3, 0x7001]]);
    expect(stateOf(SLOT)).toBe(layout.MAILBOX_IDLE);
  });

  test('takes its steps in the order that the walk checks', () => {
    const names = new Map([
      [mailbox + layout.MAILBOX_STATE, 'STATE'],
      [host + layout.DEVICE_HOST_DOORBELL, 'DOORBELL'],
      [host + layout.DEVICE_HOST_ASLEEP, 'ASLEEP'],
      [host + layout.DEVICE_HOST_ALIVE, 'ALIVE'],
    ]);
    const requester = new MailboxRequester(words, SLOT);
    answeringAtOnce(() => {
      const record = recordOperations(words, (index) => names.get(index) ?? 'another slot');
      requester.access(HOST, 9, 0, layout.readAccess(4), 0, 0, 0);
      record.stop();
      expect(record.done.filter((operation) => !operation.endsWith('another slot'))).toEqual([
        'load ALIVE',
        'store STATE', // request
        'or DOORBELL',
        'load ASLEEP',
        'notify DOORBELL',
        'exchange DOORBELL', // the host
        'load STATE',
        'exchange STATE',
        'load ALIVE', // the vCPU, which would have slept at once
        'load STATE',
        'store STATE',
      ]);
    });
  });

  test('to a host that is dead fails at once and leaves no trace', () => {
    words[host + layout.DEVICE_HOST_ALIVE] = 0;
    const requester = new MailboxRequester(words, SLOT);
    expect(requester.access(HOST, 9, 0, layout.readAccess(4), 0, 0, 0)).toBe(0);
    expect(requester.result).toBe(MEMTX_ERROR);
    expect(stateOf(SLOT)).toBe(layout.MAILBOX_IDLE);
    expect(words[host + layout.DEVICE_HOST_DOORBELL]).toBe(0);
  });

  test('whose host dies after the request is taken back, without an answer', () => {
    const requester = new MailboxRequester(words, SLOT);
    server.answer = () => {
      throw new Error('not reached');
    };
    const notify = Atomics.notify;
    words[host + layout.DEVICE_HOST_ASLEEP] = 1;
    Atomics.notify = () => {
      words[host + layout.DEVICE_HOST_ALIVE] = 0;
      return 0;
    };
    expect(requester.access(HOST, 9, 0, layout.readAccess(4), 0, 0, 0)).toBe(0);
    Atomics.notify = notify;
    expect([requester.result, stateOf(SLOT)]).toEqual([MEMTX_ERROR, layout.MAILBOX_IDLE]);
  });
});

describe('a request that its asker gave up', () => {
  const OTHER = HOST + 1;
  let requester: MailboxRequester;
  const ask = (number: number): number => {
    requester.access(number, 9, 0, layout.readAccess(4), 0, 0, 0);
    return requester.result;
  };
  beforeEach(() => {
    words[deviceHostWord(OTHER) + layout.DEVICE_HOST_ALIVE] = 1;
    requester = new MailboxRequester(words, SLOT);
    requester.attentive = { whileWaiting: () => {}, patienceMs: 5 };
    expect(ask(HOST)).toBe(MEMTX_ERROR); // nobody serves
  });

  test('keeps the mailbox while its host may still answer, and no longer', () => {
    expect(ask(OTHER)).toBe(MEMTX_ERROR);
    expect(layout.isRequested(stateOf(SLOT), layout.requestedState(HOST))).toBe(true);
    takeBells();
    expect(stateOf(SLOT)).toBe(layout.MAILBOX_ANSWERED);
    requester.attentive = null;
    expect(answeringAtOnce(() => ask(HOST))).toBe(MEMTX_OK);
  });

  test('does not keep the mailbox for ever if its host dies', () => {
    Atomics.store(words, host + layout.DEVICE_HOST_ALIVE, 0);
    const other = new MailboxResponder(words, OTHER, server);
    requester.attentive = { whileWaiting: () => (other as unknown as Inside).takeBells(), patienceMs: 5000 };
    expect(ask(OTHER)).toBe(MEMTX_OK);
  });
});

describe('a host', () => {
  test('that may block its thread naps before it sleeps, and serves after either', async () => {
    let asked = 0;
    responder = new MailboxResponder(words, HOST, server, () => {
      asked += 1;
      if (asked === 2) request(SLOT, HOST, 2); // rings while it is about to nap
      return asked <= 4;
    });
    responder.start();
    request(SLOT, HOST, 1);
    Atomics.notify(words, host + layout.DEVICE_HOST_DOORBELL);
    while (asked < 5) await sleep(1);
    expect(server.asked.length).toBe(2);
    expect(words[host + layout.DEVICE_HOST_ASLEEP]).toBe(1);
    request(SLOT, HOST, 3);
    Atomics.notify(words, host + layout.DEVICE_HOST_DOORBELL);
    while (server.asked.length < 3) await sleep(1);
    expect(stateOf(SLOT)).toBe(layout.MAILBOX_ANSWERED);
  });

  test.each([false, true])('answers a vCPU, and wakes it if it sleeps: %s', (isAwaited) => {
    request(SLOT, HOST, 1);
    const state = layout.requestedState(HOST);
    words[mailbox + layout.MAILBOX_STATE] = isAwaited ? layout.awaitedState(state) : state;
    expect(layout.hostOfState(stateOf(SLOT))).toBe(HOST);
    const record = recordOperations(words, (index) =>
      index === mailbox + layout.MAILBOX_STATE ? 'STATE' : '',
    );
    takeBells();
    record.stop();
    expect(record.done.includes('notify STATE')).toBe(isAwaited);
    expect(stateOf(SLOT)).toBe(layout.MAILBOX_ANSWERED);
  });

  test('serves all who share a bell, and leaves requests for other hosts alone', () => {
    request(SLOT, HOST, 1);
    request(SLOT + 32, HOST, 2);
    request(SLOT + 64, HOST + 1, 3);
    request(31, HOST, 4);
    takeBells();
    expect(server.asked.map((asked) => (asked as number[]).slice(0, 2))).toEqual([
      [SLOT, 1],
      [SLOT + 32, 2],
      [31, 4],
    ]);
    expect([SLOT, SLOT + 32, 31].map(stateOf)).toEqual(Array(3).fill(layout.MAILBOX_ANSWERED));
    expect(stateOf(SLOT + 64)).toBe(layout.requestedState(HOST + 1));
    takeBells();
    expect(server.asked).toHaveLength(3);
  });

  test('answers with MEMTX_ERROR before it lets an exception of its server out', () => {
    server.answer = () => {
      throw new Error('a broken invariant');
    };
    request(SLOT, HOST, 1);
    expect(takeBells).toThrow('a broken invariant');
    expect(stateOf(SLOT)).toBe(layout.MAILBOX_ANSWERED);
    expect(words[mailbox + layout.MAILBOX_RESULT]).toBe(MEMTX_ERROR);
    expect(words[mailbox + layout.MAILBOX_ANSWER_LO]).toBe(0);
  });

  test('wakes from its sleep, serves, and sleeps again', async () => {
    responder.start();
    for (const times of [1, 2]) {
      expect(words[host + layout.DEVICE_HOST_ASLEEP]).toBe(1);
      request(SLOT, HOST, 1);
      Atomics.notify(words, host + layout.DEVICE_HOST_DOORBELL);
      while (words[host + layout.DEVICE_HOST_ASLEEP] === 0 || stateOf(SLOT) !== layout.MAILBOX_ANSWERED) {
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      expect(server.asked).toHaveLength(times);
    }
  });

  test('that has stopped serves nothing', async () => {
    responder.start();
    responder.stop();
    request(SLOT, HOST, 1);
    Atomics.notify(words, host + layout.DEVICE_HOST_DOORBELL);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(server.asked).toEqual([]);
  });
});
