import { codeOf, RigilError } from '../errors.ts';
import { pause } from '../platform/abort.ts';
import type { Clock } from '../platform/clock.ts';
import { retryAfter } from '../platform/retry-after.ts';
import { alternateChains, chainIssuer } from './certificate-chain.ts';
import { AcmeProblem } from './problem.ts';
import type { Protocol } from './protocol.ts';
import { type AcmeOrder, identifierOf, readOrder } from './resources.ts';
import type { AcmeReply } from './transport.ts';
import { httpsUrl } from './untrusted.ts';

/** What to order. */
export interface OrderRequest {
  readonly names: readonly string[];
  /** Name of a profile of the CA, or null for the CA's choice. */
  readonly profile: string | null;
  /** Renewal id (RFC 9773 4.1) of the certificate that this one replaces, or null. */
  readonly replaces: string | null;
}

/** An order at the CA as it was last seen. */
export interface PlacedOrder {
  readonly url: string;
  readonly order: AcmeOrder;
}

/** Who speaks, and how waiting is done. */
export interface Ordering {
  readonly protocol: Protocol;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Places an order (RFC 8555 7.4). If the CA minds `replaces`, it is placed again without: naming the predecessor is a
 * courtesy, the certificate is needed.
 *
 * @throws AcmeProblem; RigilError `profile-unknown`, `issuer-answer-invalid`
 */
export async function placeOrder(protocol: Protocol, request: OrderRequest): Promise<PlacedOrder> {
  const { profiles, renewalInfo } = await protocol.directory();
  const { profile } = request;
  if (profile !== null && profiles?.includes(profile) !== true) throw profileUnknown(profile, profiles);
  const order = {
    identifiers: request.names.map(identifierOf),
    ...(profile === null ? {} : { profile }),
  };
  const replaces = renewalInfo === null ? null : request.replaces;
  try {
    return placed(await protocol.newOrder(replaces === null ? order : { ...order, replaces }));
  } catch (error) {
    if (replaces === null || !mindsReplaces(error)) throw error;
    return placed(await protocol.newOrder(order));
  }
}

/**
 * Whether a refusal may be about `replaces`: RFC 9773 5 names `alreadyReplaced`; CAs also say these when they do not
 * know the predecessor or it belongs to another account.
 */
function mindsReplaces(error: unknown): boolean {
  return (
    error instanceof AcmeProblem &&
    ['alreadyReplaced', 'malformed', 'unauthorized', 'serverInternal'].includes(error.problem.type)
  );
}

/**
 * Reads the order until it is no longer in one of the states `waiting`, with pauses that grow from 0.2 to 5 s or what
 * the CA asks for (a minute at most).
 *
 * @param after the reply after which the waiting begins
 * @throws the signal's reason
 */
export async function awaitOrder(
  { protocol, clock, signal }: Ordering,
  url: string,
  waiting: readonly AcmeOrder['status'][],
  after: AcmeReply | null = null,
): Promise<AcmeOrder> {
  let reply = after;
  for (let round = 0; ; round++) {
    const asked = retryAfter(reply?.headers['retry-after'], clock.now());
    const wait = asked === null ? 200 * 2 ** Math.min(round, 6) : asked - clock.now();
    await pause(clock, Math.min(Math.max(wait, 200), asked === null ? 5_000 : 60_000), signal);
    reply = await protocol.read(url);
    const order = readOrder(reply.data);
    if (!waiting.includes(order.status)) return order;
  }
}

/**
 * Sends the signing request (DER) and waits for the certificate (RFC 8555 7.4). Returns the address of the
 * certificate.
 *
 * @throws AcmeProblem; RigilError `issuer-answer-invalid`; the signal's reason
 */
export async function finalizeOrder(
  ordering: Ordering,
  { url, order }: PlacedOrder,
  csr: Buffer,
): Promise<string> {
  const { protocol, clock, signal } = ordering;
  const request = { csr: csr.toString('base64url') };
  const send = () => protocol.post(order.finalize, request);
  const reply = await send().catch(async (error: unknown) => {
    if (error instanceof AcmeProblem && error.problem.type === 'orderNotReady') {
      // Servers of one CA may lag behind each other; or whoever had the order before us has sent this, too.
      await pause(clock, 1_000, signal);
      const seen = await protocol.read(url);
      return ['processing', 'valid'].includes(readOrder(seen.data).status) ? seen : send();
    }
    if (codeOf(error) !== 'issuer-unavailable') throw error;
    // Nobody knows whether the CA got it: the order tells.
    const seen = await protocol.read(url);
    return readOrder(seen.data).status === 'ready' ? send() : seen;
  });
  const first = readOrder(reply.data);
  const done =
    first.status === 'valid' || first.status === 'invalid'
      ? first
      : await awaitOrder(ordering, url, ['pending', 'ready', 'processing'], reply);
  return certificateOf(done);
}

/**
 * The address of the certificate of an order that is done.
 *
 * @throws AcmeProblem, RigilError `issuer-refused` when the CA gave the order up; `issuer-answer-invalid`
 */
export function certificateOf(order: AcmeOrder): string {
  if (order.status === 'invalid') throw orderInvalid(order);
  if (order.certificate !== null) return order.certificate;
  throw new RigilError('issuer-answer-invalid', 'the CA finished the order but names no certificate');
}

/**
 * Downloads the certificate (RFC 8555 7.4.2): the chain whose topmost issuer has the common name `preferred` if the CA
 * offers one, else the CA's own choice.
 */
export async function downloadChain(
  protocol: Protocol,
  url: string,
  preferred: string | null,
): Promise<{ readonly chain: unknown; readonly matched: boolean }> {
  const reply = await protocol.read(url);
  const own = { chain: reply.data, matched: preferred === null || chainIssuer(reply.data) === preferred };
  if (own.matched) return own;
  for (const alternate of alternateChains(reply.headers['link'], url)) {
    const { data } = await protocol.read(alternate);
    if (chainIssuer(data) === preferred) return { chain: data, matched: true };
  }
  return own;
}

/** What went wrong with an order that the CA gave up. */
export function orderInvalid(order: AcmeOrder): RigilError {
  return order.error === null
    ? new RigilError('issuer-refused', 'the CA gave the order up without a reason')
    : new AcmeProblem(order.error, 400, null);
}

function placed(reply: AcmeReply): PlacedOrder {
  const url = httpsUrl(reply.headers['location']);
  const order = readOrder(reply.data);
  if (url !== null && (order.status === 'pending' || order.status === 'ready')) return { url, order };
  throw new RigilError('issuer-answer-invalid', 'the CA did not open the order');
}

function profileUnknown(profile: string, profiles: readonly string[] | null): RigilError {
  return new RigilError('profile-unknown', `the CA has no profile ${profile}`, {
    hint:
      profiles === null
        ? 'the CA has no profiles at all: remove `profile` from the issuer section'
        : `its profiles are: ${profiles.join(', ')}`,
  });
}
