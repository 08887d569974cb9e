/** Requests to the service that this page came from. What it refuses is a Problem, with what it says. */

const TOKEN_KEY = 'flatview-token';
const REQUEST_MS_MAX = 30_000;

export class Problem extends Error {
  /** @param {number} status 0: no answer @param {string} code @param {string} detail */
  constructor(status, code, detail) {
    super(detail);
    this.name = 'Problem';
    this.status = status;
    this.code = code;
  }
}

export class Api {
  get token() {
    return sessionStorage.getItem(TOKEN_KEY);
  }

  set token(token) {
    if (token === null) sessionStorage.removeItem(TOKEN_KEY);
    else sessionStorage.setItem(TOKEN_KEY, token);
  }

  /** @returns {Record<string, string>} */
  get headers() {
    const { token } = this;
    return token === null ? {} : { authorization: `Bearer ${token}` };
  }

  /** @param {string} url @returns {Promise<any>} */
  get(url) {
    return this.request('GET', url);
  }

  /**
   * @param {string} method @param {string} url @param {unknown} [body]
   * @returns {Promise<any>} the answer's document; null if it has none
   * @throws {Problem}
   */
  async request(method, url, body) {
    const headers = { ...this.headers, ...(body !== undefined && { 'content-type': 'application/json' }) };
    const sent = body === undefined ? null : JSON.stringify(body);
    /** @type {Response} */
    let response;
    try {
      response = await fetch(url, {
        method,
        headers,
        body: sent,
        signal: AbortSignal.timeout(REQUEST_MS_MAX),
      });
    } catch {
      throw new Problem(0, 'NO_ANSWER', 'the service does not answer');
    }
    if (!response.ok) throw await problemOf(response);
    return response.status === 204 ? null : response.json();
  }
}

/** @param {Response} response */
export async function problemOf(response) {
  try {
    const { code, detail } = await response.json();
    return new Problem(response.status, String(code), String(detail));
  } catch {
    return new Problem(response.status, 'UNKNOWN', `the service answers ${response.status}`);
  }
}

/** @param {string} id @param {string} [rest] */
export const machineUrl = (id, rest = '') => `v1/machines/${encodeURIComponent(id)}${rest}`;

/** What to tell people. @param {unknown} error */
export const messageOf = (error) => (error instanceof Error ? error.message : String(error));
