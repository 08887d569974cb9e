/** What the service tells, as the page uses it: the schemas of src/http/schemas.ts and the events of routes/events.ts. */

export interface Region {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  /** As info mtree has it. */
  readonly type: string;
  readonly size: string;
  readonly address: string;
  readonly priority: number;
  readonly enabled: boolean;
  readonly owner: string | null;
  readonly container: string | null;
  readonly alias: { readonly target: string | null; readonly offset: string } | null;
  readonly children: readonly string[];
}

export interface AddressSpace {
  readonly id: string;
  readonly name: string;
  readonly root: string | null;
}

export interface Range {
  readonly start: bigint;
  /** Inclusive. */
  readonly last: bigint;
  readonly type: string;
  readonly name: string;
  readonly region: string | null;
  readonly offset: bigint;
  readonly priority: number;
}

export interface View {
  /** Ids. */
  readonly addressSpaces: readonly string[];
  readonly ranges: readonly Range[];
}

/** Addresses from start to last, which is inclusive. */
export interface Span {
  readonly start: bigint;
  readonly last: bigint;
}

export type Told<T> = { readonly [K in keyof T]: T[K] extends bigint ? string : T[K] };

export interface SpaceDelta {
  readonly addressSpace: string;
  readonly windows: readonly Told<Span>[];
  readonly ranges: readonly Told<Range>[];
  readonly complete: boolean;
}

export interface Reader {
  readonly id: number;
  readonly phase: string;
  readonly role: 'access' | 'load';
  readonly generation: number | null;
  readonly lag: number;
}

export interface CommitTold {
  readonly commit: number;
  readonly cause: 'client' | 'churn';
  readonly generation: number;
  readonly commitUs: number;
  readonly changed: readonly (Told<Span> & { readonly addressSpace: string })[];
}

export interface PeriodReader {
  readonly id: number;
  readonly heldUs: number;
  readonly passedUs: number | null;
  readonly how: 'announced' | 'offline' | 'gone' | null;
}

export interface Period {
  readonly commit: number;
  readonly cause: 'client' | 'churn';
  readonly generation: number;
  readonly samples: number;
  readonly elapsedUs: number;
  readonly readers: readonly PeriodReader[];
  readonly waitingBytes: number;
  readonly freedUs: number | null;
  readonly isOver: boolean;
}

export interface Throughput {
  readonly accessesPerSecond: number;
  readonly loadAccessesPerSecond: number;
  readonly publicationsPerSecond: number;
  readonly readers: readonly Reader[];
  readonly liveBytes: number;
  readonly retiredBytes: number;
  readonly churn: number | 'max' | null;
  readonly loadVcpus: number;
}

export interface Churn {
  readonly running: boolean;
  readonly rate: number | 'max' | null;
  readonly published: number;
  readonly problem: string | null;
}

export interface Load {
  readonly running: boolean;
  readonly vcpus: number;
  readonly addressSpace: string;
  readonly rate: number | 'max';
  readonly writePercent: number;
  readonly checkpointEvery: number;
}

export interface MachineState {
  readonly id: string;
  readonly name: string;
  readonly guessed: readonly string[];
  readonly regions: number;
  readonly addressSpaces: readonly AddressSpace[];
  readonly commit: number;
  readonly generation: number;
  readonly readers: readonly Reader[];
  readonly gauges: { readonly liveBytes: number; readonly retiredBytes: number };
  readonly churn: Churn;
  readonly load: Load;
}

export interface Transaction {
  readonly commit: number;
  readonly generation: number;
  readonly commitUs: number;
}

/** The events of a machine by their names. */
export interface Events {
  readonly commits: { readonly count: number; readonly commits: readonly CommitTold[] };
  readonly delta: { readonly commit: number; readonly addressSpaces: readonly SpaceDelta[] };
  readonly regions: {
    readonly commit: number;
    readonly regions: readonly Region[];
    readonly complete: boolean;
  };
  readonly grace: {
    readonly count: number;
    readonly p50Us: number;
    readonly p99Us: number;
    readonly maxUs: number;
  };
  readonly readers: { readonly readers: readonly Reader[]; readonly retiredBytes: number };
  readonly period: Period;
  readonly throughput: Throughput;
  readonly missed: { readonly count: number };
  readonly end: object;
}
