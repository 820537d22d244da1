import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../../src/platform/random.ts';
import { bytesBody, emptyBody } from '../../../src/proxy/body.ts';
import { cutting } from '../../../src/proxy/codec/field-kind.ts';
import { ResponseParser } from '../../../src/proxy/codec/http1/response-parser.ts';
import { HpackDecoder } from '../../../src/proxy/codec/http2/hpack/decoder.ts';
import { HpackEncoder } from '../../../src/proxy/codec/http2/hpack/encoder.ts';
import { HeaderList } from '../../../src/proxy/codec/http2/hpack/header-list.ts';
import { RequestReader } from '../../../src/proxy/codec/http2/request-reader.ts';
import type { Body, RequestHead } from '../../../src/proxy/exchange.ts';
import { upstreamFields } from '../../../src/proxy/forwarded.ts';
import { GatheredWrites } from '../../../src/proxy/gathered-writes.ts';
import { endToEnd } from '../../../src/proxy/hop-by-hop.ts';
import { type Http2Request, RequestSource, readRequest } from '../../../src/proxy/http2/request.ts';
import { encodeHead } from '../../../src/proxy/http2/response-fields.ts';
import { requestTargetOf } from '../../../src/proxy/request-target.ts';
import { TableHead } from '../../../src/proxy/table-head.ts';
import { writeRequestHead } from '../../../src/proxy/upstream/request-head.ts';
import { block } from './raw-h2.ts';

const text = fc.stringMatching(/^[!-~\xa1-\xff]{0,30}$/);
const field = fc.oneof(
  fc.tuple(
    fc.constantFrom('accept', 'cookie', 'x-forwarded-for', 'x_forwarded_for', 'x-forwarded-host'),
    text,
  ),
  fc.tuple(fc.constantFrom('x-real-ip', 'forwarded', 'proxy-authorization', 'trailer', 'content-type'), text),
  fc.tuple(fc.constantFrom('tailscale-user-login', 'http2-settings', 'content_length', 'priority'), text),
  fc.tuple(fc.stringMatching(/^x-[a-z]{1,9}$/), text),
  fc.constantFrom<[string, string]>(['te', 'trailers'], ['expect', '100-continue'], ['host', 'Example.test']),
);
const fields = fc.uniqueArray(field, {
  maxLength: 12,
  // What may come once only.
  comparator: ([a], [b]) => a === b && ['host', 'te', 'expect'].includes(a),
});
const bodies = fc.constantFrom<Body>(emptyBody, bytesBody(Buffer.from('abc')), {
  ...emptyBody,
  length: null,
});
const SETTINGS = { trustedProxies: ['10.0.0.0/8'], httpsPort: null } as never;

describe('a request of HTTP/2', () => {
  const list = new HeaderList();
  const reader = new RequestReader(list, true);
  const out = new GatheredWrites();

  const written = (head: RequestHead, body: Body): string => {
    const target = requestTargetOf(head);
    if (target === null) throw new Error('no target');
    const upstream = { scheme: 'http', host: '127.0.0.1', port: 1 } as const;
    const asked = { upstream, method: head.method, path: target.path, body, upgrade: null };
    const length = writeRequestHead(out, { ...asked, ...upstreamFields(head, target, SETTINGS) });
    return out.bytes.toString('latin1', 0, length);
  };

  it('is the same bytes for the upstream as when every field is looked at', () => {
    fc.assert(
      fc.property(
        fields,
        bodies,
        fc.constantFrom('GET', 'POST', 'OPTIONS'),
        fc.constantFrom('/', '/a?b\\c', '*'),
        fc.constantFrom('10.1.2.3', '192.0.2.1', null),
        (pairs, body, method, path, remoteAddress) => {
          fc.pre(path !== '*' || method === 'OPTIONS');
          const pseudo = {
            ':method': method,
            ':scheme': 'https',
            ':path': path,
            ':authority': 'Example.test',
          };
          const bytes = block([...Object.entries(pseudo), ...pairs]);
          const source = new RequestSource(remoteAddress);
          const requests: Http2Request[] = [];
          // The second one uses what the first one left.
          for (let n = 0; n < 3; n += 1) {
            expect(new HpackDecoder().decode(bytes, 0, bytes.length, list)).toBeNull();
            expect(reader.read(list, true)).toBeNull();
            const request = readRequest(reader, source, systemRandom);
            expect(request.target).toBe(path);
            expect(request.authority).toBe('Example.test');
            if (n === 0) request.release();
            else requests.push(request);
          }
          const general: RequestHead = {
            ...{ method, scheme: 'https', protocol: 'HTTP/2', target: path, authority: 'Example.test' },
            // Pseudo-fields are cut, and so are names that look like others.
            ...{ headers: list.fields.toRawHeaders(cutting()), upgrade: null, remoteAddress },
          };
          const texts = [general, ...requests].map((head) => written(head, body));
          // Where crumbs of cookies become one, and where it stands, is the same as well.
          expect(new Set(texts).size, texts.join('\n')).toBe(1);
        },
      ),
    );
  });
});

describe('a response to HTTP/2', () => {
  const name = fc.oneof(
    fc.constantFrom('Set-Cookie', 'TRAILER', 'Upgrade', 'Keep-Alive', 'Date', 'Proxy-Connection', 'X-Named'),
    fc.stringMatching(/^X-[a-z]{1,9}$/),
  );
  const connection = fc.constantFrom(
    [],
    ['Connection: keep-alive'],
    ['Connection: X-Named, Content-Type, TE'],
  );

  it('has the same fields as when every field is looked at', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(name, text), { maxLength: 12 }),
        connection,
        fc.boolean(),
        fc.constantFrom(200, 204, 304, 404, 599),
        (pairs, options, trailers, status) => {
          const parser = new ResponseParser();
          const lines = pairs.map(([key, value]) => `${key}: ${value}`);
          const bytes = Buffer.from(
            [`HTTP/1.1 ${status} X`, ...options, ...lines, 'Content-Length: 0', '', ''].join('\r\n'),
            'latin1',
          );
          if (parser.parse(bytes, 0, bytes.length) !== 'done') return;
          const added = ['X-Added', 'yes'];
          const table = new TableHead(status, parser.fields, added);
          const headers = [...endToEnd(parser.fields.toRawHeaders(cutting())), ...added];
          const [fast, slow] = [table, { status, headers }].map((head) => {
            const encoder = new HpackEncoder();
            const decoder = new HpackDecoder();
            const list = new HeaderList();
            // Twice: the second time it is in the table.
            const seen = [0, 1].map(() => {
              encodeHead(encoder, head, trailers);
              const encoded = encoder.block();
              expect(decoder.decode(encoded, 0, encoded.length, list)).toBeNull();
              return list.fields.bytes.toString('latin1', 0, list.fields.end);
            });
            expect(seen[1]).toBe(seen[0]);
            return seen[0];
          });
          expect(fast).toBe(slow);
          expect(fast).toContain(`:status: ${status}\r\n`);
          expect(/^(connection|keep-alive|upgrade|proxy-connection):/im.test(fast ?? '')).toBe(false);
        },
      ),
    );
  });

  it('leaves out what no field can be', () => {
    const encoder = new HpackEncoder();
    const headers = [
      'X-Good',
      '1',
      'X-Bad',
      'a\r\nb',
      'no token',
      'x',
      '',
      'x',
      'Connection',
      'close',
      'X-Wide',
      'ł',
    ];
    encodeHead(encoder, { status: 200, headers }, false);
    const list = new HeaderList();
    const encoded = encoder.block();
    expect(new HpackDecoder().decode(encoded, 0, encoded.length, list)).toBeNull();
    expect(list.fields.bytes.toString('latin1', 0, list.fields.end)).toBe(':status: 200\r\nx-good: 1\r\n');
  });
});
