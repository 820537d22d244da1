/** How the world is asked over HTTP: the standard `fetch`, so that a test can put its own in the place. */
export type Fetch = (url: string, options: RequestInit) => Promise<Response>;

export const systemFetch: Fetch = (url, options) => fetch(url, options);
