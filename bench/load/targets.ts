/** What `npm run load` asks for: requests whose answers are known to be 2xx, each with what it stands for. */
export interface Target {
  readonly name: string;
  readonly method: 'GET' | 'PUT' | 'POST';
  /** Below the machine's URL; null: the empty route. */
  readonly path: string | null;
  readonly body: object | null;
  /** Of one request. */
  readonly accesses: number;
}

const SPACE = 'address-spaces/memory';
/** RAM of the q35 machine, past what its firmware area moves about. */
const RAM_START = 0x10_0000;
const RAM_BYTES = 0x10_0000;

export const EMPTY: Target = { name: 'empty', method: 'GET', path: null, body: null, accesses: 0 };

/** @param batch accesses of a batch */
export const targets = (batch: number): readonly Target[] => [
  {
    ...{ name: 'load', method: 'GET', body: null, accesses: 1 },
    path: `${SPACE}/memory/0x${RAM_START.toString(16)}`,
  },
  {
    ...{ name: 'store', method: 'PUT', body: { value: 1 }, accesses: 1 },
    path: `${SPACE}/memory/0x${RAM_START.toString(16)}`,
  },
  {
    ...{ name: `batch-${batch}`, method: 'POST', accesses: batch, path: `${SPACE}/accesses` },
    body: { accesses: Array.from({ length: batch }, (_, index) => ({ address: addressAt(index, batch) })) },
  },
];

const addressAt = (index: number, batch: number): string =>
  `0x${(RAM_START + 4 * Math.floor((index * RAM_BYTES) / (4 * batch))).toString(16)}`;
