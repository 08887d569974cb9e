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
