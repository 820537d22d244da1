import type { Exchange } from './exchange.ts';

/** A client's connection as the drain sees it. */
export interface ClientConnection {
  /** Takes no new requests: closes when idle, else after what runs. */
  finish(): void;
  /**
   * Ends what still runs: `requests` spares upgraded connections and event streams, `all` nothing.
   * Returns whether anything was cut.
   */
  cut(what: 'requests' | 'all'): boolean;
  /** Closes if it has served somebody and nothing is under way; returns whether it does. Absent: it never does. */
  giveWay?(): boolean;
}

/** How long a client that is sent away has to read why, in milliseconds. */
export const FAREWELL_MS = 1_000;

/** What an engine needs to know of its surroundings. */
export interface EngineOptions {
  readonly scheme: 'http' | 'https';
  /** Answers an exchange. */
  readonly handle: (exchange: Exchange) => void;
  /** Answers an exchange that breaks the rules of its protocol with this status, and with nothing else. */
  readonly refuse: (exchange: Exchange, status: number) => void;
  /** Counts and logs a refusal that never became an exchange. `remoteAddress`: the peer's. */
  readonly refused: (status: number, remoteAddress: string | null) => void;
  /** Called when a connection is over. */
  readonly closed: (connection: ClientConnection) => void;
}
