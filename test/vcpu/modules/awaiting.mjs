/** A device module that cannot be loaded in the middle of an access. */
await Promise.resolve();
export default () => ({ read: () => 1, write: () => {} });
