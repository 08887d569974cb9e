/**
 * Who keeps bitmaps of dirty pages, and why all of RAM may be tracked.
 * @source QEMU include/exec/ram_addr.h and include/exec/memory.h: names and values
 */

/** Clients: bit numbers of a dirty-log mask. */
export const DIRTY_CLIENT_VGA = 0;
export const DIRTY_CLIENT_CODE = 1;
export const DIRTY_CLIENT_MIGRATION = 2;

/** Reasons for global tracking: an OR of them. While any is set, all of RAM is logged for migration. */
export const DIRTY_TRACKING_MIGRATION = 1;
export const DIRTY_TRACKING_DIRTY_RATE = 2;
export const DIRTY_TRACKING_LIMIT = 4;
