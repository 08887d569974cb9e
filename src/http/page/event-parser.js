/** Server-sent events out of the text of a stream, however it is cut. Only what the service uses: event and data. */

const EVENT_CHARS_MAX = 4 * 2 ** 20;

export class EventParser {
  constructor() {
    this.rest = '';
  }

  /**
   * @param {string} text what came next
   * @returns {{ readonly name: string, readonly data: unknown }[]} events that are whole now
   */
  push(text) {
    const blocks = (this.rest + text).split('\n\n');
    this.rest = blocks.pop() ?? '';
    if (this.rest.length > EVENT_CHARS_MAX) throw new Error('an event without end');
    return blocks.flatMap((block) => {
      const [, name, data] = /^event: (.+)\ndata: (.+)$/m.exec(block) ?? [];
      return name === undefined || data === undefined ? [] : [{ name, data: JSON.parse(data) }];
    });
  }
}
