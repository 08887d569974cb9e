/*
 * The design of the TypeScript rows in C: a direct-mapped TLB in front of the map, private to a reader and emptied
 * when a checkpoint finds a newer map. It tells what is due to the design and what to the language.
 * Under qsbr only, where a reader is in a read section from one quiescent state to the next.
 * Its index is that of src/vcpu/tlb.ts, and so are its tags: one compare finds the page and refuses what is not aligned.
 */
#ifndef PRIVATE_TLB_H
#define PRIVATE_TLB_H

#include "radix-map.h"

#define TLB_ENTRIES 1024
#define TLB_PAGE_MASK (~0xfffull)
#define TLB_DEVICE 0x200u
#define TLB_NOTHING 0x400u

struct tlb {
  struct map *map;
  uint64_t version;
  struct {
    uint64_t tag;   /* page address, with TLB_DEVICE where it is not RAM */
    uintptr_t base; /* RAM: host pointer minus address */
    const struct section *section;
  } __attribute__((aligned(32))) entries[TLB_ENTRIES];
};

static inline unsigned tlb_index(uint64_t addr) {
  return ((addr >> PAGE_BITS) + (addr >> 32 << 9)) & (TLB_ENTRIES - 1);
}

/* Takes the newest map; to be called in each quiescent state, outside of any access. */
static inline void tlb_refresh(struct tlb *tlb, struct map *newest) {
  if (newest->version == tlb->version) return;
  tlb->map = newest;
  tlb->version = newest->version;
  for (int i = 0; i < TLB_ENTRIES; i++) tlb->entries[i].tag = TLB_NOTHING;
}

/* NULL where the page is not RAM or the access not aligned; `section` then answers. */
static inline uint32_t *tlb_ram32(struct tlb *tlb, uint64_t addr, const struct section **section) {
  unsigned at = tlb_index(addr);
  uint64_t page = addr & TLB_PAGE_MASK;
  if (tlb->entries[at].tag == (addr & (TLB_PAGE_MASK | 3))) return (uint32_t *)(tlb->entries[at].base + addr);
  if (tlb->entries[at].tag == (page | TLB_DEVICE)) {
    *section = tlb->entries[at].section;
    return NULL;
  }
  *section = map_walk(tlb->map, addr);
  bool is_ram = (*section)->ram != NULL;
  tlb->entries[at].tag = is_ram ? page : page | TLB_DEVICE;
  tlb->entries[at].base = (uintptr_t)(*section)->ram - (*section)->start;
  tlb->entries[at].section = *section;
  return is_ram && (addr & 3) == 0 ? (uint32_t *)(tlb->entries[at].base + addr) : NULL;
}

#endif
