/** A write to it leads to a write to the address in `data`; a read gives 5. */
export default (context) => ({
  read: () => 5,
  write(offset, value) {
    context.memory('memory').write(context.data + offset, 4, value);
  },
});

/** The same from the depth of the stack, as near to its end as it gets. */
export const deep = (context) => {
  const descend = (value) => {
    try {
      descend(value);
    } catch {
      context.memory('memory').write(context.data, 4, value);
    }
  };
  return { read: () => 5, write: (_offset, value) => descend(value) };
};
