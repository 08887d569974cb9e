/**
 * The caller's mistakes: one error class, one closed union of codes.
 * The guest's mistakes are MemTxResult values (mem-tx-result.ts); ours stop the process (assert.ts).
 */
export type MemoryErrorCode =
  | 'ALIAS_CYCLE'
  | 'ALIAS_HAS_NO_CHILDREN'
  | 'ARENA_FULL'
  | 'ADDRESS_SPACES_EXHAUSTED'
  | 'ADDRESS_SPACE_UNKNOWN'
  | 'BACK_PRESSURE'
  | 'BOUNCE_SPACES_EXHAUSTED'
  | 'DEVICE_HOSTS_EXHAUSTED'
  | 'DEVICE_HOST_DEAD'
  | 'DEVICE_MODULE_INVALID'
  | 'EVENTFD_UNKNOWN'
  | 'INVALID_ARGUMENT'
  | 'INVALID_FLAT_TEXT'
  | 'INVALID_LAYOUT'
  | 'INVALID_MTREE_TEXT'
  | 'INVALID_SEQUENCE'
  | 'IOVA_ALREADY_MAPPED'
  | 'IOVA_NOT_MAPPED'
  | 'LISTENER_REFUSED'
  | 'MACHINE_CLOSED'
  | 'MAPPING_ENDED'
  | 'NOT_AN_ALIAS'
  | 'NOT_A_ROM_DEVICE'
  | 'NOT_A_SUBREGION'
  | 'NOT_HELD'
  | 'NOT_RAM'
  | 'OWNER_DESTROYED'
  | 'OWNER_FINALIZED'
  | 'OWNER_NOT_REFERENCED'
  | 'RAM_EXHAUSTED'
  | 'RAM_FILE_READONLY'
  | 'RAM_FILE_TOO_SHORT'
  | 'RAM_FILE_UNUSABLE'
  | 'RAM_ID_TAKEN'
  | 'RAM_NOT_CONTIGUOUS'
  | 'RAM_NOT_FROM_FILE'
  | 'RAM_NOT_RESIZABLE'
  | 'REGION_ALREADY_MAPPED'
  | 'REGION_FINALIZED'
  | 'REGION_STILL_MAPPED'
  | 'RENDER_TOO_DEEP'
  | 'RENDER_TOO_LARGE'
  | 'TRANSACTION_OPEN'
  | 'TRANSACTION_REENTERED'
  | 'VCPU_FAILED'
  | 'VCPU_PROGRAM_INVALID'
  | 'VCPU_SLOTS_EXHAUSTED'
  | 'VIEW_HOLDS_EXHAUSTED';

/** Thrown for every misuse by the caller; the message says what, where, and what to do. */
export class MemoryError extends Error {
  override readonly name = 'MemoryError';
  readonly code: MemoryErrorCode;

  constructor(code: MemoryErrorCode, message: string, options?: ErrorOptions) {
    super(`${code}: ${message}`, options);
    this.code = code;
  }
}
