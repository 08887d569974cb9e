/** Factories for the tests of the device loader: one good one, and one for each mistake. */
export default (context) => ({ read: (offset) => context.data + offset, write: () => {} });
export const registers = (context) => {
  const words = new Int32Array(context.state);
  return { read: (offset) => words[offset >> 2], write: (offset, value) => (words[offset >> 2] = value) };
};
export const notAFunction = 5;
export const throwing = () => {
  throw new Error('no such chip');
};
export const empty = () => ({});
export const halfEmpty = () => ({ read: () => 0 });
export const nothing = () => undefined;
export const asynchronous = async () => ({ read: () => 0, write: () => {} });
