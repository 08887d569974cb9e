/**
 * What the text of the tree does not say, guessed by rules that held for captured machines of QEMU 7.2.
 * Each kind of guess that was needed is told in words.
 */
import { type Draft, isOpen } from './mtree-draft.ts';

/** Of the regions with children in QEMU's devices, those that answer where the children do not. */
const ANSWERING_PARENTS = new Set([
  'ahci',
  'aspeed.i2c',
  'aspeed.sdhci',
  'aspeed.smc.flash',
  'bochs-display-mmio',
  'dino',
  'gpex_ioport_window',
  'gpex_mmio_window',
  'io',
  'iocsr',
  'nubus-slots',
  'nubus-super-slots',
  'pci-isa-mmio',
  'pci0-io',
  'rtc',
  'sabre-config',
  'unin-pci-isa-mmio',
  'vga.mmio',
  'via-pm',
  'xtfpga.io',
]);
/** Names of spaces that a bus, a bridge or a board fills with devices: without children they answer nothing. */
const EMPTY_LEAVES = [
  /^(?:system|smram|device-memory|platform bus|isa-mem|gpex_mmio|gpex_ioport)$/,
  /^pcie?[0-9]*(?:[-_ ](?:bus|bridge))?(?:[-_ ](?:io|pio|mem|memory|mmio|pci))?$/,
  /^pci@[0-9a-f]+\.(?:io|mmio)$/,
  /container$/,
  /^(?:e1000e-flash|tce-root-.*|nubus-super-slot-.*|xive-vc-(?:end|ipi))$/,
];
/** Aliases that QEMU makes read-only. */
const READONLY_ALIASES = new Set(['pam-rom']);

/** Applies the rules to every draft. @returns what was guessed */
export function applyRules(drafts: readonly Draft[]): string[] {
  let leaves = 0;
  let parents = 0;
  let zeroSizes = 0;
  let orders = 0;
  let readonlyAliases = 0;
  let unprinted = 0;
  for (const draft of drafts) {
    const { node } = draft;
    if (node.unprinted) unprinted++;
    if (node.alias !== null) {
      draft.readonly = READONLY_ALIASES.has(node.name);
      if (draft.readonly) readonlyAliases++;
      if (draft.size === 1n) {
        draft.size = 0n;
        zeroSizes++;
      }
    } else {
      draft.terminates = answers(draft);
      if (isOpen(draft)) node.children.length === 0 ? leaves++ : parents++;
    }
    orders += sortIntoListOrder(draft.children);
  }
  return [
    [
      leaves,
      `regions of type i/o without children answer, unless QEMU's region of that name is an empty container`,
    ],
    [parents, `regions of type i/o with children are containers, unless QEMU's region of that name answers`],
    [
      orders,
      `overlapping siblings of equal priority: the one at the higher address was added later and wins`,
    ],
    [readonlyAliases, `aliases named pam-rom are read-only`],
    [zeroSizes, `aliases that print as one byte are closed windows of size 0`],
    [
      unprinted,
      `disabled regions that the text leaves out were put where lines are indented too far; the text of info mtree -D has them`,
    ],
  ].flatMap(([count, what]) => (Number(count) > 0 ? [`${what} (${count} times)`] : []));
}

function answers(draft: Draft): boolean {
  const { node } = draft;
  if (!isOpen(draft)) return node.type !== 'container' && !node.unprinted;
  return node.children.length === 0
    ? !EMPTY_LEAVES.some((names) => names.test(node.name))
    : ANSWERING_PARENTS.has(node.name);
}

/** @returns how many neighbours could also have been the other way round */
function sortIntoListOrder(children: Draft[]): number {
  let open = 0;
  const printed = new Map(children.map((child, index) => [child, index]));
  children.sort((a, b) => {
    if (a.node.priority !== b.node.priority) return b.node.priority - a.node.priority;
    if (a.address !== b.address) return a.address < b.address ? 1 : -1;
    return printed.get(a)! - printed.get(b)!;
  });
  for (const [index, child] of children.entries()) {
    const lower = children[index + 1];
    if (lower === undefined || lower.node.priority !== child.node.priority) continue;
    if (lower.address !== child.address && lower.address + lower.size > child.address) open++;
  }
  return open;
}
