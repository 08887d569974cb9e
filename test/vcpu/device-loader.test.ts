import { describe, expect, test } from 'vitest';
import { type DeviceCallbacks, localDevice } from '../../src/base/device-binding.ts';
import { createControlBlock, READER_INTERRUPTS, readerWord } from '../../src/layout/control-block.ts';
import { LoadedDeviceContext, loadDevice, raiseInterrupt } from '../../src/vcpu/device-loader.ts';

const words = createControlBlock();
const moduleUrl = (name: string): URL => new URL(`./modules/${name}.mjs`, import.meta.url);
const load = (url: URL, exportName = 'default', data: unknown = null) => {
  const module = localDevice(url, { exportName, data, state: new SharedArrayBuffer(16) });
  const context = new LoadedDeviceContext(module, 'chip', { words, vcpu: 3, memory: null });
  return loadDevice(module, context) as DeviceCallbacks;
};

describe('a device module', () => {
  test('is loaded synchronously, and its factory is given the context', () => {
    expect(load(moduleUrl('device'), 'default', 40).read(2, 4)).toBe(42);
  });

  test('is evaluated once, its factory called for each device', () => {
    const one = load(moduleUrl('device'), 'registers');
    const other = load(moduleUrl('device'), 'registers');
    one.write(4, 7, 4);
    expect([one.read(4, 4), other.read(4, 4)]).toEqual([7, 0]);
  });

  test('does not let Node warn on stderr', () => {
    const warnings: unknown[] = [];
    const note = (warning: unknown): unknown => warnings.push(warning);
    process.on('warning', note);
    load(moduleUrl('device'));
    process.off('warning', note);
    expect(warnings).toEqual([]);
  });
});

describe('what can be wrong with a device module', () => {
  test.each([
    ['it does not exist', moduleUrl('nowhere'), 'default', 'it does not load: Cannot find module'],
    ['it fails', moduleUrl('broken'), 'default', 'it does not load: no licence for this chip'],
    ['it awaits', moduleUrl('awaiting'), 'default', 'top-level await'],
    ['it imports one that awaits', moduleUrl('importing-awaiting'), 'default', 'top-level await'],
    ['it is not on disk', new URL('https://example.com/device.js'), 'default', "give new URL('./device.js'"],
    [
      'the export is missing',
      moduleUrl('device'),
      'uart',
      "no export 'uart' that is a function (it exports: ",
    ],
    ['the export is no function', moduleUrl('device'), 'notAFunction', "no export 'notAFunction'"],
    [
      'its factory throws',
      moduleUrl('device'),
      'throwing',
      "'throwing' threw for region 'chip': no such chip",
    ],
    ['its factory returns an empty object', moduleUrl('device'), 'empty', 'read(offset, size) and write('],
    ['its factory leaves out write', moduleUrl('device'), 'halfEmpty', 'read(offset, size) and write('],
    ['its factory returns nothing', moduleUrl('device'), 'nothing', 'read(offset, size) and write('],
    ['its factory is asynchronous', moduleUrl('device'), 'asynchronous', 'an asynchronous factory cannot'],
  ])('%s', (_what, url, exportName, problem) => {
    let error: unknown;
    try {
      load(url, exportName);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ name: 'MemoryError', code: 'DEVICE_MODULE_INVALID' });
    expect((error as Error).message).toContain(`device module ${url.href}: `);
    expect((error as Error).message).toContain(problem);
  });
});

describe('interrupts', () => {
  test('count up in the word of the vCPU that they are for', () => {
    raiseInterrupt(words, 9);
    raiseInterrupt(words, 9);
    expect(words[readerWord(9) + READER_INTERRUPTS]).toBe(2);
    expect(words[readerWord(8) + READER_INTERRUPTS]).toBe(0);
  });

  test.each([-1, 256, 1.5, Number.NaN])('to vCPU %d, which cannot be, are refused', (vcpu) => {
    expect(() => raiseInterrupt(words, vcpu)).toThrow(
      /INVALID_ARGUMENT: interrupt\(.*\): there is no such vCPU/,
    );
  });
});
