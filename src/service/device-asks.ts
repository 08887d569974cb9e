/**
 * How a device in a worker asks the control thread, synchronously, from inside an access: to change the
 * layout, say. Two halves of one protocol over a port of its own and one shared word.
 * Guarantee: each ask gets one reply, also if its handler throws; the control thread never waits.
 * Writes: DEVICE_HOST_REPLIES (control). The host has one ask at a time: its thread sleeps until the reply.
 * Order: reply posted, then REPLIES advanced; the host reads REPLIES, then asks, then sleeps on what it read.
 *
 * The vCPU whose access it is waits offline meanwhile, so a layout that is published here is reclaimed and
 * seen as after any homed access.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import type { AskHandler } from '../base/device-binding.ts';
import { MemoryError, type MemoryErrorCode } from '../base/errors.ts';
import { errorFromPosted, type PostedError, postedFromError } from '../base/posted-error.ts';
import { deviceHostWord, type SharedWords } from '../layout/control-block.ts';
import { DEVICE_HOST_REPLIES } from '../layout/mailbox.ts';

interface Ask {
  readonly device: number;
  readonly message: unknown;
}

type Reply =
  | { readonly kind: 'returned'; readonly value: unknown }
  | { readonly kind: 'threw'; readonly error: PostedError; readonly code: MemoryErrorCode | null };

/** The host's half. */
export class ControlAsker {
  private readonly words: SharedWords;
  private readonly repliesWord: number;
  private readonly port: MessagePort;

  constructor(words: SharedWords, host: number, port: MessagePort) {
    this.words = words;
    this.repliesWord = deviceHostWord(host) + DEVICE_HOST_REPLIES;
    this.port = port;
  }

  /** Blocks this thread until the control thread has answered for `device`. */
  ask(device: number, message: unknown): unknown {
    const { words, repliesWord } = this;
    const replies = Atomics.load(words, repliesWord);
    this.port.postMessage({ device, message } satisfies Ask);
    // In a loop: the wake-up of the reply before may come only now.
    while (Atomics.load(words, repliesWord) === replies) {
      Atomics.wait(words, repliesWord, replies); // pairs with AskAnswerer.answer
    }
    const received = receiveMessageOnPort(this.port);
    assert(received !== undefined, 'a reply is posted before REPLIES advances');
    const reply = received.message as Reply;
    if (reply.kind === 'returned') return reply.value;
    const cause = errorFromPosted(reply.error);
    if (reply.code === null) throw cause;
    throw new MemoryError(reply.code, reply.error.message.slice(reply.code.length + 2), { cause });
  }
}

/** The control thread's half, for one host. */
export class AskAnswerer {
  private readonly words: SharedWords;
  private readonly repliesWord: number;
  private readonly port: MessagePort;
  private readonly handlers = new Map<number, AskHandler>();

  constructor(words: SharedWords, host: number, port: MessagePort) {
    this.words = words;
    this.repliesWord = deviceHostWord(host) + DEVICE_HOST_REPLIES;
    this.port = port;
    port.on('message', (ask: Ask) => this.answer(ask));
    port.unref();
  }

  add(device: number, handler: AskHandler): void {
    this.handlers.set(device, handler);
  }

  /** Serves what was posted, without the event loop. */
  answerPosted(): void {
    for (
      let asked = receiveMessageOnPort(this.port);
      asked !== undefined;
      asked = receiveMessageOnPort(this.port)
    ) {
      this.answer(asked.message as Ask);
    }
  }

  close(): void {
    this.port.close();
  }

  private answer({ device, message }: Ask): void {
    try {
      this.port.postMessage({ kind: 'returned', value: this.call(device, message) } satisfies Reply);
    } catch (error) {
      const code = error instanceof MemoryError ? error.code : null;
      this.port.postMessage({ kind: 'threw', error: postedFromError(error), code } satisfies Reply);
    }
    Atomics.add(this.words, this.repliesWord, 1); // pairs with ControlAsker.ask
    Atomics.notify(this.words, this.repliesWord);
  }

  private call(device: number, message: unknown): unknown {
    const handler = this.handlers.get(device);
    if (handler !== undefined) return handler(message);
    throw new MemoryError(
      'INVALID_ARGUMENT',
      'the device asks the control thread, but its binding has no onAsk; give one to hostedDevice()',
    );
  }
}
