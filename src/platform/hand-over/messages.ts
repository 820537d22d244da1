/**
 * How a successor gets the listening sockets of a rigil that runs, over a unix socket in the store. Between processes
 * that may be of different versions: only additions.
 *
 * The holder greets with a line of JSON. The successor asks with one. To `sockets` follows the channel of
 * `child_process` with JSON, in which a porter sends each socket with a `socket` message, then `all`; the successor says
 * `ready` when it serves. A channel that closes earlier means that nothing has changed. To `end`, which only a worker
 * without a control process heeds, follows nothing.
 */
export interface Greeting {
  readonly pid: number;
  readonly role: HolderRole;
  /** Why it cannot hand over now, for people; null when it can. */
  readonly busy: string | null;
}

/** A worker holds sockets for a successor only when its control process is dead. */
export type HolderRole = 'daemon' | 'worker';

export interface Request {
  readonly ask: 'sockets' | 'end';
  /** Of the successor. */
  readonly pid: number;
}

export type FromPorter =
  | { readonly type: 'socket'; readonly role: string; readonly address: string }
  | { readonly type: 'all' };

export interface ToPorter {
  readonly type: 'ready';
}

/** Longest line of either side, in characters. */
export const LONGEST_LINE = 4_096;
