/**
 * Header of a published FlatView: one cell, immutable. A root word holds the header's cell, so one store
 * publishes the map, the sorted sections and their count together.
 *
 *   word  name                writer   meaning
 *   0     VIEW_VERSION        control  never the same for two views of one machine within 2^32 publications
 *   1     VIEW_MAP_ROOT       control  map entry to start from (map-entry.ts)
 *   2     VIEW_SECTION_COUNT  control  how many sections the view has
 *   3     VIEW_SECTIONS       control  first cell of an array of their cells, ascending by address
 *   4     VIEW_LAYOUT_TAG     control  the machine's layoutTag when the view was made: the caller's number
 */
export const VIEW_VERSION = 0;
export const VIEW_MAP_ROOT = 1;
export const VIEW_SECTION_COUNT = 2;
export const VIEW_SECTIONS = 3;
export const VIEW_LAYOUT_TAG = 4;
