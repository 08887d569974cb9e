/** Which regions of type i/o answer, guessed by name where there is no flat text. */
import { expect, test } from 'vitest';
import { imported, line, range, section } from '../support/mtree-text.ts';

const kindOfLeaf = (name: string): string | undefined => kindIn(name, []);
const kindOfParent = (name: string): string | undefined =>
  kindIn(name, [line(3, `${range(0x1000, 0x10)} (prio 0, ram): child`)]);

function kindIn(name: string, children: string[]): string | undefined {
  const { layout } = imported(
    section(
      'address-space: memory',
      line(1, `${range(0, 0x10000)} (prio 0, i/o): root`),
      line(2, `${range(0x1000, 0x1000)} (prio 0, i/o): ${name}`),
      ...children,
    ),
  );
  return [...layout.records.values()].find((record) => record.name === name)?.kind;
}

test.each([
  'system',
  'smram',
  'pci',
  'pci0-mem',
  'pci1-io',
  'pci_bridge_io',
  'pci bus memory',
  'pci@800000020000001.mmio',
  'device-memory',
  'acpi-mem-hotplug container',
])('%s is a space that devices fill: empty, it answers nothing', (name) => {
  expect(kindOfLeaf(name)).toBe('container');
});

test.each(['serial', 'pci-conf-idx', 'pcie-mmcfg-mmio', 'pci.io', 'omap-id', 'iommu-sun4u'])(
  '%s is a device: without children it answers',
  (name) => expect(kindOfLeaf(name)).toBe('io'),
);

test.each(['vga.mmio', 'aspeed.smc.flash', 'sabre-config'])(
  '%s answers where its children do not',
  (name) => {
    expect(kindOfParent(name)).toBe('io');
  },
);

test('other parents are containers', () => expect(kindOfParent('ehci')).toBe('container'));
