/**
 * What anything that was thrown says of itself, as plain data that any thread can be sent.
 * Guarantee: nothing here throws, whatever was thrown: a proxy, an error whose message is a getter, a symbol.
 */

/** An error that crossed a thread's border. */
export interface PostedError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | null;
}

/** `instanceof Error`, also for what does not want to be asked. */
export function isError(value: unknown): value is Error {
  try {
    return value instanceof Error;
  } catch {
    return false;
  }
}

export function postedFromError(error: unknown): PostedError {
  try {
    if (!(error instanceof Error)) return { name: 'Error', message: String(error), stack: null };
    const { name, message, stack } = error;
    return {
      name: String(name),
      message: String(message),
      stack: typeof stack === 'string' ? stack : null,
    };
  } catch {
    return { name: 'Error', message: 'something that has no text', stack: null };
  }
}

/** The same error on this side of the border, with the stack of the other. */
export function errorFromPosted(posted: PostedError): Error {
  const error = new Error(posted.message);
  error.name = posted.name;
  if (posted.stack !== null) error.stack = posted.stack;
  return error;
}
