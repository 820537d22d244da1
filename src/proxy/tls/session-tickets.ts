import { randomFillSync } from 'node:crypto';
import type { Server } from 'node:tls';

/** A name, a key for the HMAC, a key for AES: what Node's `ticketKeys` are made of, in bytes. */
export const TICKET_KEYS_LENGTH = 48;
const PART = 16;
/** Vectors are drawn this many at a time: each on its own would cost more than sealing a ticket with it. */
const VECTORS = 256;

/** What OpenSSL is told about a ticket that a client shows (`SSL_CTX_set_tlsext_ticket_key_cb`). */
const UNKNOWN = 0;
const SEAL = 1;
const TAKE_AND_RENEW = 2;

/** The part of Node's TLS context that its documentation does not name. */
interface TicketContext {
  enableTicketKeyCallback(): void;
  onticketkeycallback: (name: Buffer, vector: Buffer, seals: boolean) => readonly (number | Buffer)[];
}

/**
 * Makes a server answer every session that is resumed with a ticket for the next time.
 *
 * By itself Node seals tickets with `ticketKeys`, but gives none to whoever resumes. Clients use a ticket once (RFC 8446 C.4)
 * and get two of them, so every third connection of a browser would begin with a whole handshake and a signature, which
 * with RSA costs more than everything else of a connection. The tickets are those of Node: name, vector, AES-128-CBC,
 * HMAC-SHA256, so that servers with the same keys take each other's, whoever of them renews.
 *
 * @param keys those that the server has as its `ticketKeys`, of {@link TICKET_KEYS_LENGTH} bytes
 * @returns whether it will. Node does not document what this needs; where it is missing, tickets stay as they are.
 */
export function renewTickets(server: Server, keys: Uint8Array): boolean {
  const context = ticketContext(server);
  if (context === null) return false;
  const [name, hmac, aes] = [0, 1, 2].map((part) =>
    Buffer.from(keys.subarray(part * PART, (part + 1) * PART)),
  );
  if (name === undefined || hmac === undefined || aes === undefined) return false;
  const known = [TAKE_AND_RENEW, hmac, aes];
  const unknown = [UNKNOWN, hmac, aes];
  context.enableTicketKeyCallback();
  context.onticketkeycallback = (asked, _vector, seals) => {
    if (seals) return [SEAL, hmac, aes, name, nextVector()];
    return name.equals(asked) ? known : unknown;
  };
  return true;
}

function ticketContext(server: Server): TicketContext | null {
  const { _sharedCreds: credentials } = server as { _sharedCreds?: { context?: Partial<TicketContext> } };
  const context = credentials?.context;
  return typeof context?.enableTicketKeyCallback === 'function' ? (context as TicketContext) : null;
}

const vectors = Buffer.alloc(VECTORS * PART);
let nextAt = vectors.length;

/** Never the same bytes twice, and none that could be foreseen. They are copied before the next are asked for. */
function nextVector(): Buffer {
  if (nextAt === vectors.length) {
    randomFillSync(vectors);
    nextAt = 0;
  }
  const from = nextAt;
  nextAt += PART;
  return vectors.subarray(from, nextAt);
}
