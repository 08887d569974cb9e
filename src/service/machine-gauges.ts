/** What a machine's shared memory amounts to; V8's heap figures do not count it. */

export interface MachineGauges {
  /** Arena bytes of published views. */
  readonly liveBytes: number;
  /** Arena bytes that wait for a grace period. */
  readonly retiredBytes: number;
  /** The most of the arena that was ever in use. */
  readonly highWaterBytes: number;
  /** Bytes reserved for RAM in all buffers, touched or not. */
  readonly ramReservedBytes: number;
  /** Transactions that changed what vCPUs see. */
  readonly publications: number;
}
