const PAGE = 4096n;

/** State: word p is 1 + the page where page p leads, or 0; word 63 counts what was asked. */
export default function pageTable({ state }) {
  const words = new Int32Array(state);
  return {
    translate(iova, access, index) {
      Atomics.add(words, 63, 1);
      const entry = Atomics.load(words, Number(iova / PAGE) + 16 * index);
      return entry === 0
        ? null
        : {
            translated: BigInt(entry - 1) * PAGE,
            mask: PAGE - 1n,
            permission: access === 'none' ? 'read' : 'read-write',
          };
    },
  };
}

/** As pageTable, but each user bit has an index of its own. */
export const byUser = (context) => ({
  ...pageTable(context),
  indexFromAttrs: (attrs) => (attrs & 4 ? 1 : 0),
});

/** Page tables in guest RAM: a 32-bit word for each page from address 0x1000 on. */
export const inGuestRam = (context) => ({
  translate(iova) {
    const entry = context.memory('memory').read(0x1000n + 4n * (iova / PAGE), 4);
    return entry === 0 ? null : { translated: BigInt(entry), mask: PAGE - 1n, permission: 'read-write' };
  },
});

/** Reads what it translates itself. */
export const selfish = (context) => ({
  translate: () => ({
    translated: BigInt(context.memory('bus').read(0, 4)),
    mask: PAGE - 1n,
    permission: 'read',
  }),
});

const whole = { translated: 0n, mask: PAGE - 1n, permission: 'read-write' };

/** Answers by `data`. */
export const garbage = ({ data }) => ({
  translate() {
    if (data === 'throw') throw new RangeError('page tables are gone');
    switch (data) {
      case 'number':
        return 5;
      case 'translated':
        return { ...whole, translated: 5 };
      case 'far':
        return { ...whole, translated: 2n ** 64n };
      case 'mask':
        return { ...whole, mask: 0x1001n };
      case 'permission':
        return { ...whole, permission: 'execute' };
      case 'target':
        return { ...whole, target: 1 };
      case 'promise':
        return Promise.reject(new Error('nobody waits for this'));
    }
    return undefined;
  },
});

export const noTranslator = () => ({ read: () => 0 });
export const badIndex = (context) => ({ ...pageTable(context), indexFromAttrs: () => 7 });
export const throwingIndex = (context) => ({
  ...pageTable(context),
  indexFromAttrs() {
    throw new RangeError('who are you?');
  },
});
