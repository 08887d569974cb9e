/** Device modules for the tests of device placement. */
import { threadId } from 'node:worker_threads';
import type {
  DeviceCallbacks,
  DeviceContext,
  HostedDeviceContext,
} from '../../../src/base/device-binding.ts';

/** Word 0 of its state counts writes, by load and store: only a lock makes it exact. Reads give the count. */
export function counter(context: DeviceContext): DeviceCallbacks {
  const words = new Int32Array(context.state);
  return {
    read: () => words[0]!,
    write: () => {
      const seen = Atomics.load(words, 0);
      for (let i = 0; i < 20; i += 1) Atomics.load(words, 1);
      Atomics.store(words, 0, seen + 1);
    },
  };
}

/** Offset 0: the thread that serves. 4: the vCPU that asks. A write wakes the vCPU that it names. */
export default function identity(context: DeviceContext): DeviceCallbacks {
  return {
    read: (offset) => (offset === 0 ? threadId : context.vcpu),
    write: (_offset, value) => context.interrupt(value),
  };
}

/** A write asks the control thread and keeps its reply for the read after. */
export function asking(context: HostedDeviceContext): DeviceCallbacks {
  let reply = 0;
  return {
    read: () => reply,
    write: (_offset, value) => {
      reply = context.ask(value) as number;
    },
  };
}

/** A read ends the thread that serves it. */
export function mortal(): DeviceCallbacks {
  return { read: () => process.exit(7), write: () => {} };
}

/** A read raises word 0 of its state and returns when word 1 is raised. */
export function slow(context: DeviceContext): DeviceCallbacks {
  const words = new Int32Array(context.state);
  return {
    read: () => {
      Atomics.store(words, 0, 1);
      while (Atomics.load(words, 1) === 0) Atomics.wait(words, 1, 0, 10);
      return 0x51;
    },
    write: () => {},
  };
}

/** A factory that fails. */
export function failing(): DeviceCallbacks {
  throw new Error('no such chip');
}

/** Answers with what its data names. */
export function garbage(context: DeviceContext): DeviceCallbacks {
  const answers: Record<string, () => unknown> = {
    NaN: () => Number.NaN,
    fraction: () => 1.5,
    infinity: () => Number.POSITIVE_INFINITY,
    string: () => '7',
    bigint: () => 7n,
    undefined: () => undefined,
    null: () => null,
    object: () => ({ valueOf: () => 7 }),
    promise: () => Promise.reject(new Error('nobody waits for this')),
    throw: () => {
      throw new Error('smoke');
    },
  };
  const answer = answers[context.data as string]! as () => number;
  return { read: answer, write: answer };
}
