/**
 * Control side of the attachment ports: what every reader thread must know besides the shared words.
 * Guarantee: a thread that sees a root finds on its port whatever was posted here before that root was
 * stored, also if the thread was started later. So: post first, then count, then publish; a RAM buffer is dropped
 * only after the grace period of the last view that reached it.
 * Writes: WORD_POSTS.
 */
import type { Attachment } from '../layout/attachments.ts';
import { type SharedWords, WORD_POSTS } from '../layout/control-block.ts';

/** A message port to a thread, or what takes attachments in in this one. */
export interface AttachmentReceiver {
  postMessage(attachment: Attachment): void;
}

export class AttachmentHub {
  /** What is still true, in the order in which it was posted; for those who come later. */
  private readonly live = new Map<string, Attachment>();
  private readonly ports = new Set<AttachmentReceiver>();
  private readonly words: SharedWords;
  private posts = 0;

  constructor(words: SharedWords) {
    this.words = words;
  }

  /** Tells every thread, now and later. */
  post(attachment: Attachment): void {
    if (attachment.kind === 'drop-ram') this.live.delete(`ram ${attachment.buffer}`);
    else this.live.set(keyOf(attachment), attachment);
    for (const port of this.ports) port.postMessage(attachment);
    this.posts = (this.posts + 1) | 0;
    Atomics.store(this.words, WORD_POSTS, this.posts); // pairs with AttachmentInbox.drain
  }

  /** Posts everything that is true now to `port`, and from now on all that becomes so. */
  subscribe(port: AttachmentReceiver): void {
    for (const attachment of this.live.values()) port.postMessage(attachment);
    this.ports.add(port);
  }

  unsubscribe(port: AttachmentReceiver): void {
    this.ports.delete(port);
  }
}

function keyOf(attachment: Exclude<Attachment, { kind: 'drop-ram' }>): string {
  switch (attachment.kind) {
    case 'ram':
      return `ram ${attachment.buffer}`;
    case 'device':
      return `device ${attachment.device}`;
    case 'translator':
      return `translator ${attachment.translator}`;
    case 'eventfds':
    case 'coalesced':
      return `${attachment.kind} ${attachment.device}`;
    case 'address-space':
      return `address-space ${attachment.index}`;
  }
}
