/**
 * A machine's events for as long as someone wants them: connects again whenever the service has gone, and notices
 * when it has fallen silent. EventSource cannot carry a token, so this reads a fetched body.
 */
import { machineUrl, Problem, problemOf } from './api.js';
import { EventParser } from './event-parser.js';

/** @typedef {'connecting' | 'live' | 'lost'} StreamState */

/**
 * @typedef {object} StreamListener
 * @property {(name: string, data: unknown) => void} event
 * @property {(state: StreamState) => void} state
 * @property {(problem: Problem) => void} refused by the service: it is not asked again
 */

/** Throughput comes twice a second. */
const SILENCE_MS_MAX = 6000;
const RETRY_MS = [300, 600, 1200, 2500, 5000];

export class EventStream {
  /** @param {import('./api.js').Api} api @param {string} machine @param {StreamListener} listener */
  constructor(api, machine, listener) {
    this.api = api;
    this.machine = machine;
    this.listener = listener;
    this.isWanted = true;
    /** @type {AbortController | null} */
    this.connection = null;
    void this.run();
  }

  close() {
    this.isWanted = false;
    this.connection?.abort();
  }

  async run() {
    for (let tries = 0; this.isWanted; tries += 1) {
      try {
        await this.connect(() => {
          tries = 0;
        });
      } catch (error) {
        if (error instanceof Problem && error.status >= 400 && error.status < 500) {
          if (this.isWanted) this.listener.refused(error);
          return;
        }
      }
      if (!this.isWanted) return;
      this.listener.state('lost');
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS[Math.min(tries, RETRY_MS.length - 1)]));
    }
  }

  /** @param {() => void} onOpen */
  async connect(onOpen) {
    const connection = new AbortController();
    this.connection = connection;
    let silence = setTimeout(() => connection.abort(), SILENCE_MS_MAX);
    try {
      const { signal } = connection;
      const response = await fetch(machineUrl(this.machine, '/events'), {
        headers: this.api.headers,
        signal,
      });
      if (!response.ok || response.body === null) throw await problemOf(response);
      onOpen();
      if (this.isWanted) this.listener.state('live');
      const parser = new EventParser();
      const decoder = new TextDecoder();
      const reader = response.body.getReader();
      for (let read = await reader.read(); !read.done && this.isWanted; read = await reader.read()) {
        clearTimeout(silence);
        silence = setTimeout(() => connection.abort(), SILENCE_MS_MAX);
        for (const { name, data } of parser.push(decoder.decode(read.value, { stream: true })))
          this.listener.event(name, data);
      }
    } finally {
      clearTimeout(silence);
      connection.abort();
    }
  }
}
