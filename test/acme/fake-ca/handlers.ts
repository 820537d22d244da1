import type { Authority } from './authority.ts';

/** A CA that believes everything and checks no signature: for what no real one does on demand. */
export interface FakeState {
  readonly base: string;
  readonly authority: Authority;
  readonly orders: Map<string, FakeOrder>;
  readonly deactivated: string[];
}

export interface FakeOrder {
  readonly names: readonly string[];
  status: 'pending' | 'ready' | 'processing' | 'valid' | 'invalid';
  readonly told: Set<string>;
  chain: string | null;
}

export interface FakeRequest {
  readonly route: Route;
  /** Last part of the path. */
  readonly id: string;
  /** Payload of the JWS; null for POST-as-GET and unsigned requests. */
  readonly payload: Readonly<Record<string, unknown>> | null;
}

export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON. */
  readonly body?: unknown;
}

export type Route =
  | 'directory'
  | 'newNonce'
  | 'newAccount'
  | 'newOrder'
  | 'order'
  | 'authorization'
  | 'challenge'
  | 'finalize'
  | 'certificate'
  | 'renewalInfo'
  | 'revokeCert';

export type Handler = (state: FakeState, request: FakeRequest) => Answer | Promise<Answer>;

export const handlers: Readonly<Record<Route, Handler>> = {
  directory: ({ base }) => ({
    body: {
      newNonce: `${base}/newNonce`,
      newAccount: `${base}/newAccount`,
      newOrder: `${base}/newOrder`,
      revokeCert: `${base}/revokeCert`,
      renewalInfo: `${base}/renewalInfo/`,
      meta: { profiles: { classic: 'the usual' } },
    },
  }),
  newNonce: () => ({}),
  newAccount: ({ base }) => ({
    status: 201,
    headers: { location: `${base}/account/1` },
    body: { status: 'valid' },
  }),
  newOrder: (state, { payload }) => {
    const id = String(state.orders.size + 1);
    const identifiers = payload?.['identifiers'];
    const names = Array.isArray(identifiers) ? identifiers.map(({ value }) => String(value)) : [];
    state.orders.set(id, { names, status: 'pending', told: new Set(), chain: null });
    return {
      status: 201,
      headers: { location: `${state.base}/order/${id}` },
      body: orderBody(state, id),
    };
  },
  order: (state, { id }) => ({ body: orderBody(state, id) }),
  authorization: (state, { id, payload }) => {
    if (payload?.['status'] === 'deactivated') state.deactivated.push(id);
    const { order, name } = find(state, id);
    return {
      body: {
        identifier: { type: 'dns', value: name.replace(/^\*\./, '') },
        ...(name.startsWith('*.') ? { wildcard: true } : {}),
        status: order.told.has(name) ? 'valid' : 'pending',
        challenges: ['http-01', 'tls-alpn-01', 'dns-01'].map((type) => ({
          type,
          url: `${state.base}/challenge/${id}`,
          status: 'pending',
          token: `token-of-${'x'.repeat(16)}-${id}`,
        })),
      },
    };
  },
  challenge: (state, { id }) => {
    const { order, name } = find(state, id);
    order.told.add(name);
    if (order.names.every((each) => order.told.has(each)) && order.status === 'pending')
      order.status = 'ready';
    return { body: { type: 'http-01', url: `${state.base}/challenge/${id}`, status: 'processing' } };
  },
  finalize: async (state, { id, payload }) => {
    const order = state.orders.get(id);
    if (order !== undefined) {
      order.chain = await state.authority.issue(Buffer.from(String(payload?.['csr']), 'base64url'));
      order.status = 'valid';
    }
    return { body: orderBody(state, id) };
  },
  certificate: (state, { id }) => ({
    headers: { 'content-type': 'application/pem-certificate-chain' },
    body: state.orders.get(id)?.chain ?? '',
  }),
  renewalInfo: () => problem('malformed', 404, 'unknown certificate'),
  revokeCert: () => ({}),
};

export function orderBody({ base, orders }: FakeState, id: string): Readonly<Record<string, unknown>> {
  const order = orders.get(id);
  return {
    status: order?.status ?? 'invalid',
    authorizations: order?.names.map((_, index) => `${base}/authorization/${id}-${index}`) ?? [],
    finalize: `${base}/finalize/${id}`,
    ...(order?.status === 'valid' ? { certificate: `${base}/certificate/${id}` } : {}),
  };
}

export function problem(type: string, status: number, detail: string, more: object = {}): Answer {
  return {
    status,
    headers: { 'content-type': 'application/problem+json' },
    body: { type: `urn:ietf:params:acme:error:${type}`, detail, ...more },
  };
}

/** An authorization's id is `order-index`. */
function find({ orders }: FakeState, id: string): { readonly order: FakeOrder; readonly name: string } {
  const [orderId = '', index = ''] = id.split('-');
  const order = orders.get(orderId);
  const name = order?.names[Number(index)];
  if (order === undefined || name === undefined) throw new Error(`no authorization ${id}`);
  return { order, name };
}
