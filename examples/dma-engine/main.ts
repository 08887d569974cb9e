/**
 * dma-engine: a thread masters the bus through its own address space, behind an IOMMU whose mappings change.
 *
 *   node --import tsx examples/dma-engine/main.ts [LOANS]     default: 200
 *
 * The driver, in the control thread, lends the engine pages of RAM and takes them back. Once `await unmap` has
 * returned a page holds a canary; were it overwritten, the exit status would be 1.
 */
import { runDma } from './dma-machine.ts';

const loans = Number(process.argv[2] ?? 200);
if (!Number.isInteger(loans) || loans < 1) {
  console.error('dma-engine: the number of loans must be whole and at least 1, such as: 200');
  process.exitCode = 2;
} else {
  const { bursts, faults, written, problems } = await runDma(loans);
  console.log(`${2 * loans} pages lent and taken back, ${written} bytes written into them`);
  console.log(`${bursts} bursts went through, ${faults} met something that was not mapped`);
  const faulty = written === 0 ? [...problems, 'the engine wrote nothing at all'] : problems;
  console.log(faulty.length === 0 ? 'nothing landed anywhere else' : faulty.join('\n'));
  if (faulty.length > 0) process.exitCode = 1;
}
