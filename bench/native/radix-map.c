/* Builds a map from the list of its sections, the whole of it each time, as QEMU does at each commit. */
#include "radix-map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Most nodes that a map had so far: the next one takes its memory at once. */
static uint32_t node_hint = 16;

static uint64_t versions = 0;

/* Covers no address: what a reader of a new map used last. */
static const struct section none = {0};

const struct device unassigned_device = {.valid_max = 0};

static void *must(void *memory) {
  if (memory != NULL) return memory;
  fputs("out of memory\n", stderr);
  exit(1);
}

/* Room for `count` more nodes, so that none moves while one section is entered. */
static void reserve(struct map *map, uint32_t count) {
  uint32_t need = map->node_count + count;
  if (need <= map->node_capacity) return;
  uint32_t twice = map->node_capacity * 2;
  map->node_capacity = need > twice ? need : twice;
  if (map->node_capacity < node_hint) map->node_capacity = node_hint;
  node_hint = map->node_capacity;
  map->nodes = must(realloc(map->nodes, map->node_capacity * sizeof(struct node)));
}

static uint32_t add_node(struct map *map, int level) {
  struct element empty = {.skip = 1, .index = NIL};
  if (level == 0) empty = (struct element){.skip = 0, .index = UNASSIGNED};
  struct node *node = &map->nodes[map->node_count];
  for (int i = 0; i < NODE_ELEMENTS; i++) node->elements[i] = empty;
  return map->node_count++;
}

/* Writes leaves for `leaf` from *page on, `*count` pages, into the node of `level` that element refers to. */
static void enter(struct map *map, struct element *element, uint64_t *page, uint64_t *count, uint32_t leaf, int level) {
  uint64_t step = 1ull << (level * LEVEL_BITS);
  if (element->skip != 0 && element->index == NIL) element->index = add_node(map, level);
  struct element *elements = map->nodes[element->index].elements;
  unsigned at = (*page >> (level * LEVEL_BITS)) & (NODE_ELEMENTS - 1);
  for (; *count > 0 && at < NODE_ELEMENTS; at++) {
    if ((*page & (step - 1)) == 0 && *count >= step) {
      elements[at] = (struct element){.skip = 0, .index = leaf};
      *page += step;
      *count -= step;
    } else {
      enter(map, &elements[at], page, count, leaf, level - 1);
    }
  }
}

/* A node of `level` with one child gives way to it; depth first. Those of level 0 have leaves only, 512 of them. */
static void compact(struct map *map, struct element *element, int level) {
  if (element->skip == 0 || element->index == NIL || level == 0) return;
  struct element *elements = map->nodes[element->index].elements;
  struct element *only = NULL;
  unsigned children = 0;
  for (int i = 0; i < NODE_ELEMENTS; i++) {
    if (elements[i].skip != 0 && elements[i].index == NIL) continue;
    children++;
    only = &elements[i];
    if (elements[i].skip != 0) compact(map, &elements[i], level - 1);
  }
  if (children != 1) return;
  element->index = only->index;
  element->skip = only->skip == 0 ? 0 : element->skip + only->skip;
}

struct map *map_build(const struct section *sections, uint32_t count) {
  struct map *map = must(aligned_alloc(64, sizeof(struct map)));
  *map = (struct map){.root = {.skip = 1, .index = NIL}, .section_count = count + 1, .version = ++versions};
  for (int i = 0; i < READERS_MAX; i++) map->used_last[i].section = &none;
  map->sections = must(aligned_alloc(64, (count + 1) * sizeof(struct section)));
  map->sections[UNASSIGNED] = (struct section){.size = UINT64_MAX, .device = &unassigned_device};
  memcpy(map->sections + 1, sections, count * sizeof(struct section));
  for (uint32_t i = 1; i <= count; i++) {
    uint64_t page = map->sections[i].start >> PAGE_BITS;
    uint64_t pages = map->sections[i].size >> PAGE_BITS;
    reserve(map, 3 * LEVELS);
    enter(map, &map->root, &page, &pages, i, LEVELS - 1);
  }
  compact(map, &map->root, LEVELS - 1);
  return map;
}

void map_free(struct map *map) {
  free(map->nodes);
  free(map->sections);
  free(map);
}
