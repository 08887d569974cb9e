/**
 * What a thread was told of besides the shared words: RAM buffers, devices, address spaces by name; and a
 * reader thread's side of its attachment port, which takes in what was posted, synchronously, also in the
 * middle of an access.
 * Guarantee: drain() takes in everything that was posted before a root that this thread has seen
 * (service/attachment-hub.ts posts first, then counts; the publisher stores the root afterwards).
 * Reads: WORD_POSTS.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { MemoryError } from '../base/errors.ts';
import type { AttachedDevice, AttachedTranslator, Attachment } from '../layout/attachments.ts';
import { type SharedWords, WORD_POSTS } from '../layout/control-block.ts';
import type { RamViews } from './ram-views.ts';

/** Where devices, and what they are accessed by, go; a DeviceTable. */
export interface DeviceReceiver {
  attach(device: number, regionName: string, attached: AttachedDevice): void;
  attachShortcuts(attached: Extract<Attachment, { kind: 'eventfds' | 'coalesced' }>): void;
}

/** Where the translators of IOMMUs go. */
export interface TranslatorReceiver {
  attach(translator: number, attached: AttachedTranslator): void;
}

/** What a thread keeps of what it is told; its ThreadMemory. */
export interface AttachmentStores {
  readonly ram: RamViews;
  readonly devices: DeviceReceiver;
  readonly translators: TranslatorReceiver;
}

/** Takes attachments in, wherever they come from. */
export class Attachments {
  private readonly stores: AttachmentStores;
  private readonly addressSpaces: { readonly index: number; readonly name: string }[] = [];

  constructor(stores: AttachmentStores) {
    this.stores = stores;
  }

  take(attachment: Attachment): void {
    switch (attachment.kind) {
      case 'ram':
        this.stores.ram.add(attachment.buffer, attachment);
        break;
      case 'drop-ram': // posted after the grace period: no view that this thread may use reaches it
        this.stores.ram.drop(attachment.buffer);
        break;
      case 'device':
        this.stores.devices.attach(attachment.device, attachment.regionName, attachment.attached);
        break;
      case 'translator':
        this.stores.translators.attach(attachment.translator, attachment.attached);
        break;
      case 'eventfds':
      case 'coalesced':
        this.stores.devices.attachShortcuts(attachment);
        break;
      case 'address-space':
        this.addressSpaces.push({ index: attachment.index, name: attachment.name });
        break;
    }
  }

  /**
   * Index of the address space `name`, the newest of that name; of the machine's first where it is null.
   * @throws MemoryError ADDRESS_SPACE_UNKNOWN
   */
  addressSpace(name: string | null): number {
    const known = this.addressSpaces;
    const found = name === null ? known[0] : known.findLast((space) => space.name === name);
    if (found !== undefined) return found.index;
    const names = known.map((space) => `'${space.name}'`).join(', ');
    throw new MemoryError(
      'ADDRESS_SPACE_UNKNOWN',
      name === null
        ? 'the machine has no address space; add one before starting a vCPU'
        : `the machine has no address space '${name}'; it has ${names || 'none'}`,
    );
  }
}

export class AttachmentInbox {
  private readonly port: MessagePort;
  private readonly attachments: Attachments;
  private readonly words: SharedWords;
  /** WORD_POSTS at the last look; null before the first, for what was posted to this port alone. */
  private posts: number | null = null;

  constructor(words: SharedWords, port: MessagePort, stores: AttachmentStores) {
    this.words = words;
    this.port = port;
    this.attachments = new Attachments(stores);
  }

  /** One load when nothing has been posted: a look at the port costs a reader 3 us, most of it afterwards. */
  drain(): void {
    const posts = Atomics.load(this.words, WORD_POSTS); // pairs with AttachmentHub.post
    if (posts === this.posts) return;
    this.posts = posts;
    for (;;) {
      const received = receiveMessageOnPort(this.port);
      if (received === undefined) return;
      this.attachments.take(received.message as Attachment);
    }
  }

  /** As Attachments.addressSpace, with what has been posted until now. */
  addressSpace(name: string | null): number {
    this.drain();
    return this.attachments.addressSpace(name);
  }
}
