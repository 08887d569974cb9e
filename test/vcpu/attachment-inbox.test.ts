import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fullAccessRules } from '../../src/base/access-rules.ts';
import type { Attachment } from '../../src/layout/attachments.ts';
import { createControlBlock, type SharedWords } from '../../src/layout/control-block.ts';
import { AttachmentHub } from '../../src/service/attachment-hub.ts';
import { AttachmentInbox } from '../../src/vcpu/attachment-inbox.ts';
import { RamViews } from '../../src/vcpu/ram-views.ts';

let hub: AttachmentHub;
let words: SharedWords;
let ports: MessagePort[];
beforeEach(() => {
  words = createControlBlock();
  hub = new AttachmentHub(words);
  ports = [];
});
afterEach(() => {
  for (const port of ports) port.close();
});

/** A reader thread that subscribes now. */
function thread() {
  const { port1, port2 } = new MessageChannel();
  ports.push(port1, port2);
  const devices: string[] = [];
  const ram = new RamViews({ bytes: new SharedArrayBuffer(8), dirty: new SharedArrayBuffer(8) });
  const inbox = new AttachmentInbox(words, port2, {
    ram,
    devices: {
      attachShortcuts: () => {},
      attach: (device, name) => devices.push(`${device} ${name}`),
    },
    translators: { attach: (id, { regionName }) => devices.push(`translator ${id} ${regionName}`) },
  });
  ram.onMissing = () => inbox.drain();
  hub.subscribe(port1);
  return { inbox, ram, devices, port: port1 };
}

const ramBuffer = (buffer: number): Attachment => ({
  kind: 'ram',
  buffer,
  bytes: new SharedArrayBuffer(16 * buffer),
  dirty: new SharedArrayBuffer(0),
});
const device = (id: number): Attachment => ({
  kind: 'device',
  device: id,
  regionName: `device-${id}`,
  attached: { placement: 'homed', host: 0, rules: fullAccessRules(), guard: null },
});

test('what is posted reaches those who are there and those who come later, once', () => {
  const early = thread();
  hub.post(ramBuffer(1));
  hub.post(device(0));
  const late = thread();
  hub.post(device(1));
  for (const { inbox, ram, devices } of [early, late]) {
    inbox.drain();
    inbox.drain();
    expect(devices).toEqual(['0 device-0', '1 device-1']);
    expect(ram.get(1).bytes.length).toBe(16);
  }
});

test('a RAM buffer is found by whoever meets it first, without its event loop', () => {
  const { ram } = thread();
  hub.post(ramBuffer(2));
  expect(ram.get(2).bytes.length).toBe(32);
});

test('the port is looked at only where something was counted since the last look', () => {
  const { inbox, devices, port } = thread();
  inbox.drain();
  port.postMessage(device(0));
  inbox.drain();
  expect(devices).toEqual([]);
  hub.post(device(1));
  inbox.drain();
  expect(devices).toEqual(['0 device-0', '1 device-1']);
});

test('a RAM buffer that was dropped is dropped, and not told to those who come later', () => {
  const early = thread();
  hub.post(ramBuffer(1));
  early.inbox.drain();
  hub.post({ kind: 'drop-ram', buffer: 1 });
  early.inbox.drain();
  const late = thread();
  for (const { ram } of [early, late]) expect(() => ram.get(1)).toThrow('RAM buffer 1 was posted before');
});

test('who unsubscribed hears nothing more', () => {
  const { inbox, devices, port } = thread();
  hub.unsubscribe(port);
  hub.post(device(0));
  inbox.drain();
  expect(devices).toEqual([]);
});

test('address spaces are found by name: the newest of a name, the first without one', () => {
  const { inbox } = thread();
  expect(() => inbox.addressSpace(null)).toThrow(
    /ADDRESS_SPACE_UNKNOWN: the machine has no address space; add one/,
  );
  hub.post({ kind: 'address-space', index: 0, name: 'memory' });
  hub.post({ kind: 'address-space', index: 1, name: 'I/O' });
  hub.post({ kind: 'address-space', index: 2, name: 'I/O' });
  expect([inbox.addressSpace(null), inbox.addressSpace('memory'), inbox.addressSpace('I/O')]).toEqual([
    0, 0, 2,
  ]);
  expect(() => inbox.addressSpace('io')).toThrow(
    /ADDRESS_SPACE_UNKNOWN: the machine has no address space 'io'; it has 'memory', 'I\/O', 'I\/O'/,
  );
});
