/** Run as a process of its own by writer.test.ts: what the writer does to an event loop, and to errors. */
import { GraceReader } from '../../src/grace/reader.ts';
import { GraceWriter } from '../../src/grace/writer.ts';
import { createControlBlock } from '../../src/layout/control-block.ts';

const words = createControlBlock();
const writer = new GraceWriter(words);
const reader = new GraceReader(words, 0);
writer.addReader(0);
reader.online();

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const scenarios: Record<string, () => void> = {
  'keeps alive': () => {
    void writer.synchronize().then(() => say('synchronized'));
    setTimeout(() => reader.quiescent(), 20).unref(); // alone, it would let the process end
  },
  closes: () => {
    void writer.synchronize().then(() => say('synchronized'));
    setTimeout(() => writer.close(), 20);
  },
  throws: () => {
    process.on('uncaughtException', (error: Error) => say(`uncaught ${error.message}`));
    writer.callRcu(() => say('first'));
    writer.callRcu(() => {
      throw new Error('second');
    });
    writer.callRcu(() => say('third'));
    reader.quiescent();
    say(`poll left ${writer.poll()}`);
  },
  'throws in the background': () => {
    process.on('uncaughtException', (error: Error) => say(`uncaught ${error.message}`));
    writer.callRcu(() => {
      throw new Error('first');
    });
    void writer.synchronize().then(() => say('synchronized'));
    setTimeout(() => reader.quiescent(), 20);
  },
};

scenarios[process.argv[2] ?? '']?.();
