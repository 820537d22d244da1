import type { Random } from '../../platform/random.ts';
import { cutting, FIELD } from '../codec/field-kind.ts';
import { FieldTable } from '../codec/field-table.ts';
import type { HeaderList } from '../codec/http2/hpack/header-list.ts';
import { isPseudo } from '../codec/http2/message-faults.ts';
import type { RequestReader } from '../codec/http2/request-reader.ts';
import type { RawHeaders, RequestHead } from '../exchange.ts';
import { requestFields } from './request-fields.ts';

/** A request head; its fields become strings only when somebody asks. */
export class Http2Request implements RequestHead {
  readonly method: string;
  readonly scheme = 'https';
  readonly protocol = 'HTTP/2';
  readonly target: string;
  readonly authority: string | null;
  readonly table: FieldTable;
  readonly upgrade: string | null;
  readonly remoteAddress: string | null;
  #headers: RawHeaders | null = null;

  constructor(
    method: string,
    target: string,
    authority: string | null,
    table: FieldTable,
    upgrade: string | null,
    remoteAddress: string | null,
  ) {
    this.method = method;
    this.target = target;
    this.authority = authority;
    this.table = table;
    this.upgrade = upgrade;
    this.remoteAddress = remoteAddress;
  }

  get headers(): RawHeaders {
    this.#headers ??= this.table.toRawHeaders(ALL);
    return this.#headers;
  }
}

/**
 * The request that was read. An extended CONNECT (RFC 8441) is what it would be in HTTP/1.1: a GET that asks to switch
 * to WebSocket, with a key of our own, since the client of HTTP/2 has none (5.1).
 */
export function readRequest(
  reader: RequestReader,
  remoteAddress: string | null,
  random: Random,
): Http2Request {
  const { protocol, method } = reader;
  const authority = reader.authority();
  if (protocol?.toLowerCase() !== 'websocket') {
    const target = method === 'CONNECT' ? authority : reader.path();
    return new Http2Request(method, target, authority, requestFields(reader), null, remoteAddress);
  }
  const key = { name: 'sec-websocket-key', value: random.bytes(KEY_BYTES).toString('base64') };
  const table = requestFields(reader, key);
  return new Http2Request('GET', reader.path(), authority, table, 'websocket', remoteAddress);
}

/** RFC 6455 4.1. */
const KEY_BYTES = 16;

/** Whether there are more fields than allowed, counted as HTTP/1.1 would have them: without pseudo-fields, one cookie. */
export function hasTooManyFields({ fields, cookies }: RequestReader, most: number): boolean {
  if (fields.count <= most) return false;
  let count = cookies > 1 ? 1 - cookies : 0;
  for (let index = 0; index < fields.count; index += 1) if (!isPseudo(fields.kind(index))) count += 1;
  return count > most;
}

/** As much as is known of a request that cannot be understood, for whoever refuses and logs it. */
export function refusedRequest({ fields }: HeaderList, remoteAddress: string | null): Http2Request {
  const said = (kind: number) => fields.valueOf(kind);
  return new Http2Request(
    said(FIELD.method) ?? '',
    said(FIELD.path) ?? '',
    said(FIELD.authority) ?? said(FIELD.host),
    new FieldTable(0),
    null,
    remoteAddress,
  );
}

/** Only what is never passed on in any case. */
const ALL = cutting();
