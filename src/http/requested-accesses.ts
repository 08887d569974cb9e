/**
 * The accesses of a request, ready to be put into a vCPU's ring, and what their answers become. All is checked
 * before the first is posted.
 */
import type { FastifyReply } from 'fastify';
import type { SharedWords } from '../layout/control-block.ts';
import { type AccessAnswers, type AccessBatch, putAccess } from './access-channel.ts';
import * as ring from './access-ring.ts';
import { GuestNumber, valueFromHalves } from './guest-number.ts';
import { ServiceError } from './problem.ts';
import type { BatchRequestJson } from './schemas.ts';

const number = new GuestNumber();

/** @throws ServiceError INVALID_REQUEST, naming `where` it stands */
export function readNumber(value: string | number, where: string): GuestNumber {
  if (number.read(value)) return number;
  throw new ServiceError(
    400,
    'INVALID_REQUEST',
    `${where} must be "0x" and up to 16 hex digits, or an integer`,
  );
}

const kindOf = (operation: number, size: number): number => operation | (size << ring.ACCESS_SIZE_SHIFT);

/** One load or store; `send` writes the answer. */
export class SingleAccess implements AccessBatch {
  readonly space: number;
  readonly count = 1;
  readonly size: number;
  private readonly kind: number;
  private readonly hi: number;
  private readonly lo: number;
  private readonly valueHi: number;
  private readonly valueLo: number;
  private readonly reply: FastifyReply;

  /** @param value what is stored; null: a load */
  constructor(
    space: number,
    address: string,
    size: number,
    value: string | number | null,
    reply: FastifyReply,
  ) {
    this.space = space;
    this.size = size;
    this.reply = reply;
    this.kind = kindOf(value === null ? ring.OPERATION_LOAD : ring.OPERATION_STORE, size);
    const { hi, lo } = readNumber(address, 'the address');
    this.hi = hi;
    this.lo = lo;
    const stored = readNumber(value ?? 0, 'body/value');
    this.valueHi = stored.hi;
    this.valueLo = stored.lo;
  }

  put(words: SharedWords, word: number): void {
    putAccess(words, word, this.kind, this.hi, this.lo, this.valueHi, this.valueLo);
  }

  answered(answers: AccessAnswers | null): void {
    if (answers === null) {
      this.reply.send(vcpuDied());
      return;
    }
    const { words, head } = answers;
    const word = ring.recordWord(head + 1);
    const result = words[word + ring.ACCESS_RESULT]!;
    const layout = words[ring.recordWord(head) + ring.BATCH_LAYOUT]!;
    if ((this.kind & ring.OPERATION_MASK) !== ring.OPERATION_LOAD) {
      this.reply.send({ result, layout });
      return;
    }
    const value = valueFromHalves(
      words[word + ring.ACCESS_VALUE_HI]!,
      words[word + ring.ACCESS_VALUE_LO]!,
      this.size,
    );
    this.reply.send({ value, result, layout });
  }
}

const OPERATIONS = {
  load: ring.OPERATION_LOAD,
  store: ring.OPERATION_STORE,
  add: ring.OPERATION_ADD,
} as const;
/** Of an access that waits to be put: kind, address, value. */
const STRIDE = 5;

/** A list of loads, stores and adds. */
export class ManyAccesses implements AccessBatch {
  readonly space: number;
  readonly count: number;
  private readonly fields: Int32Array;
  private readonly reply: FastifyReply;

  constructor(space: number, { accesses }: BatchRequestJson, reply: FastifyReply) {
    this.space = space;
    this.count = accesses.length;
    this.fields = new Int32Array(STRIDE * accesses.length);
    this.reply = reply;
    for (let index = 0; index < accesses.length; index += 1) this.read(accesses[index]!, index);
  }

  put(words: SharedWords, word: number, index: number): void {
    const { fields } = this;
    const at = index * STRIDE;
    putAccess(words, word, fields[at]!, fields[at + 1]!, fields[at + 2]!, fields[at + 3]!, fields[at + 4]!);
  }

  answered(answers: AccessAnswers | null): void {
    if (answers === null) {
      this.reply.send(vcpuDied());
      return;
    }
    const { words, head } = answers;
    const values = new Array<string | number>(this.count);
    const results = new Array<number>(this.count);
    let failed = 0;
    for (let index = 0; index < this.count; index += 1) {
      const word = ring.recordWord(head + 1 + index);
      const kind = this.fields[index * STRIDE]!;
      const result = words[word + ring.ACCESS_RESULT]!;
      if (result !== 0) failed += 1;
      results[index] = result;
      values[index] =
        (kind & ring.OPERATION_MASK) === ring.OPERATION_STORE
          ? 0
          : valueFromHalves(
              words[word + ring.ACCESS_VALUE_HI]!,
              words[word + ring.ACCESS_VALUE_LO]!,
              kind >> ring.ACCESS_SIZE_SHIFT,
            );
    }
    const layout = words[ring.recordWord(head) + ring.BATCH_LAYOUT]!;
    this.reply.send({ values, results, failed, layout });
  }

  private read(access: BatchRequestJson['accesses'][number], index: number): void {
    const { fields } = this;
    const at = index * STRIDE;
    const { op = 'load', size = 4, value } = access;
    const address = readNumber(access.address, `body/accesses/${index}/address`);
    fields[at + 1] = address.hi;
    fields[at + 2] = address.lo;
    fields[at] = kindOf(OPERATIONS[op], size);
    if (op === 'load') return;
    if (value === undefined || (op === 'add' && size < 4)) throw badAccess(op, index);
    const stored = readNumber(value, `body/accesses/${index}/value`);
    fields[at + 3] = stored.hi;
    fields[at + 4] = stored.lo;
  }
}

const badAccess = (op: string, index: number): ServiceError =>
  new ServiceError(
    400,
    'INVALID_REQUEST',
    `body/accesses/${index} must have a value to ${op}${op === 'add' ? ', and a size of 4 or 8' : ''}`,
  );

const vcpuDied = (): ServiceError =>
  new ServiceError(
    503,
    'SERVICE_BUSY',
    'the vCPU that had this access has died; some of it may have happened',
  );
