/** The events of a machine from a real connection, as they come. */
import { expect } from 'vitest';

type IsEnough = (name: string, data: Record<string, unknown>) => boolean;

/** Reads until `isEnough`; `meanwhile` runs once the stream is open. */
export async function eventsUntil(
  url: string,
  isEnough: IsEnough,
  meanwhile: () => Promise<unknown> = async () => {},
): Promise<void> {
  const abort = new AbortController();
  const open = (): Promise<Response> => fetch(url, { signal: abort.signal });
  let response = await open();
  while (response.status === 503) response = await open(); // the one before is not gone yet
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  await meanwhile();
  let text = '';
  try {
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const events = text.split('\n\n');
      text = events.pop()!;
      for (const event of events) {
        const [, name, data] = /^event: (.+)\ndata: (.+)$/.exec(event) ?? [];
        if (name !== undefined && isEnough(name, JSON.parse(data!))) return;
      }
    }
    throw new Error('the stream has ended before');
  } finally {
    abort.abort();
  }
}
