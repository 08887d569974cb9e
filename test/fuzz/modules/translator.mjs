/** A translator whose answer for the first page cannot be looked at. */
export default () => ({
  translate: (iova) =>
    iova === 0n
      ? {
          get translated() {
            throw new Error('a getter');
          },
        }
      : { translated: 0n, mask: 0xfffn, permission: 'read-write' },
});
