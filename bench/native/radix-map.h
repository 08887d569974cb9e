/*
 * A memory map as QEMU keeps it, in code of our own: a radix tree over pages of 4 KiB with 9 bits a level (6 levels
 * reach 64 bits), elements of 4 bytes that hold a skip of 6 bits and an index of 26, chains of one child compacted
 * into the skip, and in front of it the section used last.
 *
 * What differs is to the advantage of this code: one section used last for each reader, so readers share no written
 * word (QEMU has one for all); sections begin and end on pages, so no access looks for a table of bytes; a section
 * holds its host pointer or callback itself.
 *
 * A published map is immutable but for the word in `used_last` that each reader has.
 */
#ifndef RADIX_MAP_H
#define RADIX_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flavour.h"

#define PAGE_BITS 12
#define LEVEL_BITS 9
#define LEVELS 6
#define NODE_ELEMENTS (1 << LEVEL_BITS)
#define NIL 0x3ffffffu
#define UNASSIGNED 0
#define READERS_MAX 8

/* Callbacks, and the accesses that they take; a device of valid_max 0 takes none. */
struct device {
  uint64_t (*read)(void *opaque, uint64_t offset, unsigned size);
  void (*write)(void *opaque, uint64_t offset, uint64_t value, unsigned size);
  void *opaque;
  unsigned valid_min, valid_max; /* bytes */
  bool valid_unaligned;
};

/* Answers where nothing else does, RAM's own callbacks included. */
extern const struct device unassigned_device;

struct section {
  uint64_t start; /* bytes in the address space; whole pages, as is size */
  uint64_t size;
  uint8_t *ram;       /* what loads find; NULL: they are the device's */
  uint8_t *ram_store; /* what stores change; NULL where it is read-only or logged, too */
  const struct device *device;
} __attribute__((aligned(64)));

/* skip 0: a leaf, `index` is a section's; else `index` is a node's, `skip` levels below. */
struct element {
  uint32_t skip : 6;
  uint32_t index : 26;
};

struct node {
  struct element elements[NODE_ELEMENTS];
};

struct map {
  struct element root;
  struct node *nodes;
  struct section *sections;
  uint32_t node_count, node_capacity, section_count;
  uint64_t version; /* never 0, never the same twice */
  struct rcu_head rcu;
  struct {
    const struct section *section;
  } __attribute__((aligned(64))) used_last[READERS_MAX];
};

/* `sections` do not overlap. Ends the process where there is no memory. */
struct map *map_build(const struct section *sections, uint32_t count);
void map_free(struct map *map);

static inline bool section_covers(const struct section *section, uint64_t addr) {
  return addr - section->start < section->size;
}

/* The section at addr by the tree alone; the unassigned one where there is none. */
static inline const struct section *map_walk(const struct map *map, uint64_t addr) {
  struct element element = map->root;
  int level = LEVELS;
  while (element.skip != 0) {
    if (element.index == NIL) return &map->sections[UNASSIGNED];
    level -= element.skip;
    uint64_t at = (addr >> (PAGE_BITS + LEVEL_BITS * level)) & (NODE_ELEMENTS - 1);
    element = map->nodes[element.index].elements[at];
  }
  const struct section *section = &map->sections[element.index];
  /* Compaction left bits of the address out of the comparison. */
  return section_covers(section, addr) ? section : &map->sections[UNASSIGNED];
}

/* The same, looking first at the section that this reader used last. */
static inline const struct section *map_find(struct map *map, unsigned reader, uint64_t addr) {
  const struct section *last = map->used_last[reader].section;
  if (section_covers(last, addr)) return last;
  return map->used_last[reader].section = map_walk(map, addr);
}

#endif
