/**
 * Which captured regions are IOMMUs. Neither QEMU's tree nor its flat views say so (both print them as `i/o`),
 * only the dispatch dump does; the names that QEMU gives to them tell.
 * @source observed: `info mtree -f -d` of QEMU 7.2's machines with an IOMMU
 */
const NAMES: readonly RegExp[] = [
  /^(?:smmuv3|virtio)-iommu-memory-region-\d+-\d+$/,
  /^iommu-(?:sun4m|sun4u|typhoon|s390-[0-9a-f]+)$/,
  /^tce-iommu-[0-9a-f]+$/,
  /^phb(?:3_|4-\d+\.\d+-)iommu$/,
  /^vtd-[0-9a-f]{2}\.[0-7]-dmar$/,
  /^(?:amd_iommu|rc4030\.dma|tz-mpc-upstream)$/,
];

export const isIommuName = (name: string): boolean => NAMES.some((pattern) => pattern.test(name));
