import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { bytesBody, emptyBody } from '../../src/proxy/body.ts';
import { cutting } from '../../src/proxy/codec/field-kind.ts';
import { RequestParser } from '../../src/proxy/codec/http1/request-parser.ts';
import { ResponseParser } from '../../src/proxy/codec/http1/response-parser.ts';
import { ConnectionMemo } from '../../src/proxy/connection-memo.ts';
import type { Body, RequestHead } from '../../src/proxy/exchange.ts';
import { upstreamFields } from '../../src/proxy/forwarded.ts';
import { GatheredWrites } from '../../src/proxy/gathered-writes.ts';
import { endToEnd } from '../../src/proxy/hop-by-hop.ts';
import { writeResponseHead } from '../../src/proxy/http1/response-head.ts';
import { requestTargetOf } from '../../src/proxy/request-target.ts';
import { TableHead } from '../../src/proxy/table-head.ts';
import { writeRequestHead } from '../../src/proxy/upstream/request-head.ts';
import { route, startProxy } from './fixture.ts';
import { connectTls } from './raw-client.ts';
import { answering, OK, rawUpstream } from './upstream-servers.ts';

/** Names with a meaning, in many spellings, and others. */
const name = fc.oneof(
  fc
    .constantFrom(
      ...[
        'Accept',
        'Cookie',
        'Set-Cookie',
        'TE',
        'Trailer',
        'Expect',
        'Upgrade',
        'Keep-Alive',
        'Forwarded',
        'Date',
      ],
      ...['X-Forwarded-For', 'X-Forwarded-Host', 'X-Forwarded-Proto', 'X-Forwarded-Port', 'X-Real-IP'],
      ...['True-Client-IP', 'Tailscale-User-Login', 'Proxy-Authorization', 'Content-Type', 'X-Named'],
      ...['X_Forwarded_For', 'Content_Length', 'Tailscale_User_Name', 'Proxy_Connection', 'Content-Encoding'],
    )
    .chain((text) => fc.constantFrom(text, text.toLowerCase(), text.toUpperCase())),
  fc.stringMatching(/^X-[a-z]{1,9}$/),
);
const value = fc.oneof(
  fc.constantFrom('', 'trailers', '100-continue', '1.2.3.4'),
  fc.stringMatching(/^[!-~\xa1-\xff]{0,30}$/),
);
const connection = fc.constantFrom([], ['Connection: keep-alive'], ['Connection: X-Named, Content-Type, TE']);
const fields = fc.array(
  fc.tuple(name, value).filter(([key, text]) => key.toLowerCase() !== 'expect' || text === '100-continue'),
  { maxLength: 12 },
);
const body = fc.constantFrom<Body>(emptyBody, bytesBody(Buffer.from('abc')), { ...emptyBody, length: null });

function lines(pairs: readonly (readonly [string, string])[]): string[] {
  return pairs.map(([key, text]) => `${key}: ${text}`);
}

function bytesOf(head: readonly string[]): Buffer {
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1');
}

describe('heads that are passed on where they lie', () => {
  it('are the same bytes as when every field is looked at: requests', () => {
    const out = new GatheredWrites();
    const settings = { trustedProxies: ['10.0.0.0/8'], httpsPort: null };
    fc.assert(
      fc.property(
        fields,
        connection,
        body,
        fc.constantFrom('GET', 'POST'),
        fc.constantFrom('10.1.2.3', '::ffff:192.0.2.1', '2001:db8::1', null),
        fc.constantFrom(
          'Host: Example.test',
          'host: Example.test',
          'Host:Example.test ',
          'HOST: Example.test',
        ),
        fc.boolean(),
        (pairs, options, sentBody, method, remoteAddress, host, hostFirst) => {
          const parser = new RequestParser();
          const rest = [...options, ...lines(pairs)];
          const at = hostFirst ? 0 : rest.length;
          const bytes = bytesOf([`${method} /a?b HTTP/1.1`, ...rest.toSpliced(at, 0, host)]);
          if (parser.parse(bytes, 0, bytes.length) !== 'done') return;
          const general: RequestHead = {
            method,
            scheme: 'https',
            protocol: 'HTTP/1.1',
            target: parser.targetText(),
            authority: null,
            headers: parser.fields.toRawHeaders(cutting()),
            upgrade: null,
            remoteAddress,
          };
          const inPlace = { ...general, table: parser.fields };
          const memo = new ConnectionMemo();
          // With a memo the second request finds what the first one left.
          const heads = [general, inPlace, { ...inPlace, memo }, { ...inPlace, memo }];
          const texts = heads.map((head) => {
            const target = requestTargetOf(head);
            if (target === null) throw new Error('no target');
            const upstream = { scheme: 'http', host: '127.0.0.1', port: 1 } as const;
            const asked = { upstream, method, path: target.path, body: sentBody, upgrade: null };
            const fields = upstreamFields(head, target, settings as never);
            const length = writeRequestHead(out, { ...asked, ...fields });
            return out.bytes.toString('latin1', 0, length);
          });
          expect(new Set(texts).size, texts.join('\n')).toBe(1);
        },
      ),
    );
  });

  it('are the same bytes as when every field is looked at: responses', () => {
    const out = new GatheredWrites();
    fc.assert(
      fc.property(
        fields,
        connection,
        fc.boolean(),
        fc.constantFrom(200, 204, 304, 599),
        (pairs, options, chunked, status) => {
          const parser = new ResponseParser();
          const bytes = bytesOf([
            `HTTP/1.1 ${status} Whatever`,
            ...options,
            ...lines(pairs),
            'Content-Length: 0',
          ]);
          if (parser.parse(bytes, 0, bytes.length) !== 'done') return;
          const written = (length: number) => out.bytes.toString('latin1', 0, length);
          const added = ['X-Added', 'yes'];
          const fast = written(
            writeResponseHead(out, new TableHead(status, parser.fields, added), chunked, 'X-Framing: a\r\n'),
          );
          const headers = [...endToEnd(parser.fields.toRawHeaders(cutting())), ...added];
          expect(written(writeResponseHead(out, { status, headers }, chunked, 'X-Framing: a\r\n'))).toBe(
            fast,
          );
          expect(new TableHead(status, parser.fields, added).headers).toEqual(headers);
        },
      ),
    );
  });
});

describe('a response that nobody looks into', () => {
  it('is passed on without a string for each of its fields', async () => {
    const asked = vi.spyOn(TableHead.prototype, 'headers', 'get');
    onTestFinished(() => asked.mockRestore());
    const upstream = await rawUpstream(answering(OK));
    const proxy = await startProxy({
      routes: [route(upstream), route([upstream, upstream], { names: ['two.test'] })],
    });
    const client = await connectTls(proxy.port);
    for (const host of ['example.test', 'two.test']) {
      expect((await client.send(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`).response()).body).toBe('ok');
    }
    expect(asked).not.toHaveBeenCalled();
  });
});
