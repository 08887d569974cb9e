/**
 * Header of a published FlatView: one cell, immutable. A root word holds the header's cell, so one store
 * publishes a map as a whole.
 *
 *   word  name                writer   meaning
 *   0     VIEW_VERSION        control  never the same for two views of one machine within 2^32 publications
 *   1     VIEW_MAP_ROOT       control  map entry to start from (map-entry.ts)
 *   2     VIEW_LAYOUT_TAG     control  the machine's layoutTag when the view was made: the caller's number
 */
export const VIEW_VERSION = 0;
export const VIEW_MAP_ROOT = 1;
export const VIEW_LAYOUT_TAG = 2;
