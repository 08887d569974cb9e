/**
 * A MemoryRegionSection in the arena: one cell, immutable once its view is published.
 *
 *   word  name                     writer   meaning
 *   0     SECTION_FLAGS            control  OR of SECTION_FLAG_*
 *   1     SECTION_DEVICE           control  device id, where SECTION_FLAG_DEVICE is set
 *   2     SECTION_RAM_BUFFER       control  RAM buffer id, where SECTION_FLAG_READ_DIRECT is set
 *   3     SECTION_RAM_BYTE         control  byte in that buffer of the section's first byte, uint32
 *   4     SECTION_START_LO         control  first address, lower half
 *   5     SECTION_START_HI         control  first address, upper half
 *   6     SECTION_LAST_LO          control  last address, lower half
 *   7     SECTION_LAST_HI          control  last address, upper half
 *   8     SECTION_REGION_OFFSET_LO control  offset within the region of the first byte, lower half
 *   9     SECTION_REGION_OFFSET_HI control  and its upper half
 *   10    SECTION_REGION           control  id of the MemoryRegion; 0 in the unassigned section
 *   11    SECTION_DIRTY_MASK       control  bits 1 << DIRTY_CLIENT_*: who logs writes to its bytes
 *   12    SECTION_IOMMU_ROOT       control  of an IOMMU's section: root of its table for index 0; those of the others follow
 *   13    SECTION_IOMMU_RULE       control  of an IOMMU's section: iommuRule()
 *
 * A table of an IOMMU is published as a view is, under a root of its own; its sections are mappings, in the
 * same cells. There START and LAST are addresses within the IOMMU's region, SECTION_DEVICE is the root of the
 * address space where they lead, and SECTION_REGION_OFFSET_* is where the first byte lies in that.
 */
export const SECTION_FLAGS = 0;
export const SECTION_DEVICE = 1;
export const SECTION_RAM_BUFFER = 2;
export const SECTION_RAM_BYTE = 3;
export const SECTION_START_LO = 4;
export const SECTION_START_HI = 5;
export const SECTION_LAST_LO = 6;
export const SECTION_LAST_HI = 7;
export const SECTION_REGION_OFFSET_LO = 8;
export const SECTION_REGION_OFFSET_HI = 9;
export const SECTION_REGION = 10;
export const SECTION_DIRTY_MASK = 11;
export const SECTION_IOMMU_ROOT = 12;
export const SECTION_IOMMU_RULE = 13;

/** Reads go to RAM: RAM, ROM, ROM device in ROM mode. */
export const SECTION_FLAG_READ_DIRECT = 1;
/** Writes go to RAM. */
export const SECTION_FLAG_WRITE_DIRECT = 2;
/** What does not go to RAM goes to SECTION_DEVICE. */
export const SECTION_FLAG_DEVICE = 4;
/** The range is read-only: writes are discarded. */
export const SECTION_FLAG_READONLY = 8;
/** Something answers here, as opposed to the unassigned section. */
export const SECTION_FLAG_ASSIGNED = 16;
/** Each access keeps its width: the bytes are never copied many at a time. */
export const SECTION_FLAG_EXACT = 32;
/** Accesses go on in another address space, by a table of mappings. */
export const SECTION_FLAG_IOMMU = 64;
/** They do so by translator SECTION_DEVICE; the tables are empty, and only tell when its answers are outdated. */
export const SECTION_FLAG_TRANSLATOR = 128;
/** Of a mapping: reads pass. */
export const SECTION_FLAG_IOMMU_READ = 256;
/** Of a mapping: writes pass. */
export const SECTION_FLAG_IOMMU_WRITE = 512;

const RULE_BITS_SHIFT = 5;
const RULE_PAGE_SHIFT = 10;
const RULE_COUNT_SHIFT = 16;

export interface IommuRule {
  /** The attributes' bits that are the index: `bits` from `shift` on; none gives index 0. */
  readonly shift: number;
  readonly bits: number;
  /** Mappings begin and end at multiples of 2^pageShift. */
  readonly pageShift: number;
  /** How many indexes there are, below 2^16. */
  readonly count: number;
}

export const iommuRule = ({ shift, bits, pageShift, count }: IommuRule): number =>
  shift | (bits << RULE_BITS_SHIFT) | (pageShift << RULE_PAGE_SHIFT) | (count << RULE_COUNT_SHIFT);
/** The attributes' bits on which the index depends. */
export const ruleAttrs = (rule: number): number =>
  ((1 << ((rule >>> RULE_BITS_SHIFT) & 31)) - 1) << (rule & 31);
/** Index of accesses with `attrs`; it may be past the last. */
export const ruleIndex = (rule: number, attrs: number): number => (attrs & ruleAttrs(rule)) >>> (rule & 31);
export const ruleCount = (rule: number): number => rule >>> RULE_COUNT_SHIFT;
export const rulePageShift = (rule: number): number => (rule >>> RULE_PAGE_SHIFT) & 63;
