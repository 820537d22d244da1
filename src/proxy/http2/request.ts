import type { Random } from '../../platform/random.ts';
import { cutting, FIELD } from '../codec/field-kind.ts';
import type { FieldTable } from '../codec/field-table.ts';
import type { HeaderList } from '../codec/http2/hpack/header-list.ts';
import { isPseudo } from '../codec/http2/message-faults.ts';
import type { RequestReader } from '../codec/http2/request-reader.ts';
import { ConnectionMemo } from '../connection-memo.ts';
import type { RawHeaders, RequestHead } from '../exchange.ts';
import { hostTable, requestFields } from './request-fields.ts';
import { SpareTables } from './spare-tables.ts';

/** What the requests of one connection share. */
export class RequestSource {
  readonly memo = new ConnectionMemo();
  readonly tables = new SpareTables();
  readonly remoteAddress: string | null;

  constructor(remoteAddress: string | null) {
    this.remoteAddress = remoteAddress;
  }
}

/** A request head; its target and fields become strings only when somebody asks. */
export class Http2Request implements RequestHead {
  readonly method: string;
  readonly scheme = 'https';
  readonly protocol = 'HTTP/2';
  readonly table: FieldTable;
  readonly upgrade: string | null;
  readonly #source: RequestSource;
  #target: string | null;
  #headers: RawHeaders | null = null;

  /** @param target null where it is in the table's start line */
  constructor(
    source: RequestSource,
    method: string,
    target: string | null,
    table: FieldTable,
    upgrade: string | null,
  ) {
    this.#source = source;
    this.method = method;
    this.#target = target;
    this.table = table;
    this.upgrade = upgrade;
  }

  get memo(): ConnectionMemo {
    return this.#source.memo;
  }

  get remoteAddress(): string | null {
    return this.#source.remoteAddress;
  }

  get target(): string {
    this.#target ??= this.table.text(this.method.length + 1, this.table.start - AFTER_TARGET);
    return this.#target;
  }

  /** It is in the table's `Host`, which the authority has become. */
  get authority(): string | null {
    return this.table.valueOf(FIELD.host);
  }

  get headers(): RawHeaders {
    this.#headers ??= this.table.toRawHeaders(ALL);
    return this.#headers;
  }

  /** It is over: its table is used again. */
  release(): void {
    this.#source.tables.give(this.table);
  }
}

/** Of ` HTTP/1.1 CRLF`. */
const AFTER_TARGET = 11;

/**
 * The request that was read. An extended CONNECT (RFC 8441) is what it would be in HTTP/1.1: a GET that asks to switch
 * to WebSocket, with a key of our own, since the client of HTTP/2 has none (5.1).
 */
export function readRequest(reader: RequestReader, source: RequestSource, random: Random): Http2Request {
  const { protocol, method } = reader;
  if (protocol?.toLowerCase() === 'websocket') {
    const key = { name: 'sec-websocket-key', value: random.bytes(KEY_BYTES).toString('base64') };
    const table = requestFields(reader, 'GET', source.tables, key);
    return new Http2Request(source, 'GET', null, table, 'websocket');
  }
  const table = requestFields(reader, method, source.tables);
  const target = method === 'CONNECT' ? reader.authority() : null;
  return new Http2Request(source, method, target, table, null);
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
export function refusedRequest({ fields }: HeaderList, source: RequestSource): Http2Request {
  const method = fields.valueOf(FIELD.method) ?? '';
  const host = fields.valueOf(FIELD.authority) ?? fields.valueOf(FIELD.host);
  return new Http2Request(source, method, fields.valueOf(FIELD.path) ?? '', hostTable(host), null);
}

/** Only what is never passed on in any case. */
const ALL = cutting();
