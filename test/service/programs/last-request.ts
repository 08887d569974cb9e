/** Dies with a request in its mailbox. */
import { mailboxWord } from '../../../src/layout/control-block.ts';
import { MAILBOX_STATE, requestedState } from '../../../src/layout/mailbox.ts';
import type { Vcpu } from '../../../src/vcpu/vcpu.ts';

export interface LastRequest {
  readonly address: number;
  /** The host that it asks without a ring, as if killed in between; null: it just waits for an answer. */
  readonly unrung: number | null;
}

export default function program(vcpu: Vcpu, { address, unrung }: LastRequest): void {
  vcpu.memory.read(address, 4); // fills the request's words
  if (unrung === null) return;
  const { words } = vcpu as unknown as { readonly words: Int32Array<SharedArrayBuffer> };
  Atomics.store(words, mailboxWord(vcpu.id) + MAILBOX_STATE, requestedState(unrung));
  process.exit(3);
}
