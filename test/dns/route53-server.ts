import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Handler, Reply, Seen } from './http-server.ts';

export interface HostedZone {
  readonly id: string;
  /** With the final dot. */
  readonly name: string;
  readonly private?: boolean;
}

interface RecordSet {
  readonly ttl: string;
  readonly values: readonly string[];
  readonly setIdentifier?: string;
}

export interface Route53Server {
  readonly handler: Handler;
  /** By `zone name.`: TXT sets only. */
  readonly sets: Map<string, RecordSet>;
}

/** Route 53's API of 2013-04-01, as far as TXT sets go: signatures, exact deletion, batches, pending changes. */
export function route53Server(options: {
  readonly zones: readonly HostedZone[];
  readonly secretKeys: Readonly<Record<string, string>>;
  /** Asked so often for a change, it is in sync. Default 2 */
  readonly pendingFor?: number;
  readonly now: () => number;
}): Route53Server {
  const { zones, secretKeys, pendingFor = 2, now } = options;
  const sets = new Map<string, RecordSet>();
  const changes = new Map<string, number>();

  const handler: Handler = (request) => {
    const refusal = signatureProblem(request, secretKeys, now());
    if (refusal !== null) return error(403, refusal, 'not authorized');
    const path = request.path.replace(/^\/2013-04-01/, '');
    if (path === '/hostedzonesbyname') {
      const from = `${request.query.get('dnsname')}.`;
      const listed = [...zones]
        .sort((a, b) => (reversed(a.name) < reversed(b.name) ? -1 : 1))
        .filter((zone) => reversed(zone.name) >= reversed(from))
        .map(
          ({ id, name, private: isPrivate = false }) =>
            `<HostedZone><Id>/hostedzone/${id}</Id><Name>${name}</Name><CallerReference>x</CallerReference><Config><Comment>a &amp; b</Comment><PrivateZone>${isPrivate}</PrivateZone></Config><ResourceRecordSetCount>2</ResourceRecordSetCount></HostedZone>`,
        );
      return xml(
        'ListHostedZonesByNameResponse',
        `<HostedZones>${listed.join('')}</HostedZones><IsTruncated>false</IsTruncated>`,
      );
    }
    const change = /^\/change\/(\w+)$/.exec(path)?.[1];
    if (change !== undefined) {
      const left = changes.get(change);
      if (left === undefined) return error(404, 'NoSuchChange', 'no such change');
      changes.set(change, left - 1);
      return xml('GetChangeResponse', changeInfo(change, left > 0 ? 'PENDING' : 'INSYNC'));
    }
    const zone = zones.find(({ id }) => id === /^\/hostedzone\/(\w+)\/rrset\/?$/.exec(path)?.[1]);
    if (zone === undefined) return error(404, 'NoSuchHostedZone', 'no such zone');
    if (request.method === 'GET') {
      const key = `${zone.id} ${request.query.get('name')}.`;
      const following = `<ResourceRecordSet><Name>zz.${zone.name}</Name><Type>A</Type><TTL>60</TTL><ResourceRecords><ResourceRecord><Value>192.0.2.1</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>`;
      const set = sets.get(key);
      const found = set === undefined ? following : setXml(key.split(' ')[1] ?? '', set);
      return xml(
        'ListResourceRecordSetsResponse',
        `<ResourceRecordSets>${found}</ResourceRecordSets><IsTruncated>false</IsTruncated><MaxItems>1</MaxItems>`,
      );
    }
    const next = new Map(sets);
    for (const each of request.body.matchAll(/<Change>(.*?)<\/Change>/gs)) {
      const problem = apply(each[1] ?? '', zone, next);
      if (problem !== null) {
        return {
          status: 400,
          body: `<?xml version="1.0"?><InvalidChangeBatch xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><Messages><Message>${problem}</Message></Messages><RequestId>r</RequestId></InvalidChangeBatch>`,
        };
      }
    }
    sets.clear();
    for (const [key, set] of next) sets.set(key, set);
    const id = `C${changes.size + 1}`;
    changes.set(id, pendingFor);
    return xml('ChangeResourceRecordSetsResponse', changeInfo(id, 'PENDING'));
  };
  return { handler, sets };
}

function apply(change: string, zone: HostedZone, sets: Map<string, RecordSet>): string | null {
  const part = (name: string) => new RegExp(`<${name}>(.*?)</${name}>`, 's').exec(change)?.[1] ?? '';
  const name = part('Name');
  const key = `${zone.id} ${name}`;
  const values = [...change.matchAll(/<Value>(.*?)<\/Value>/gs)].map((match) => unescaped(match[1] ?? ''));
  if (!name.endsWith(zone.name)) return `${name} is not in ${zone.name}`;
  if (!values.every((value) => /^".*"$/.test(value)))
    return 'Invalid Resource Record: value should be enclosed in quotation marks';
  const set = { ttl: part('TTL'), values };
  const current = sets.get(key);
  if (part('Action') === 'CREATE') {
    if (current !== undefined) return `Tried to create ${name} type TXT, but it already exists`;
    sets.set(key, set);
    return null;
  }
  const same =
    current !== undefined &&
    current.ttl === set.ttl &&
    [...current.values].sort().join() === [...values].sort().join();
  if (!same)
    return `Tried to delete ${name} type TXT, but the values provided do not match the current values`;
  sets.delete(key);
  return null;
}

/** Checks a signature from what came over the wire, the other way round than it was made. */
function signatureProblem(
  request: Seen,
  secretKeys: Readonly<Record<string, string>>,
  now: number,
): string | null {
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
      request.headers['authorization'] ?? '',
    );
  if (match === null) return 'MissingAuthenticationToken';
  const [, id = '', day = '', region = '', service = '', signed = '', signature = ''] = match;
  const secret = secretKeys[id];
  if (secret === undefined) return 'InvalidClientTokenId';
  const stamp = request.headers['x-amz-date'] ?? '';
  const time = Date.parse(stamp.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'));
  if (!(Math.abs(time - now) < 15 * 60_000) || !stamp.startsWith(day)) return 'RequestExpired';
  const names = signed.split(';');
  if (!names.includes('host') || !names.includes('x-amz-date')) return 'SignatureDoesNotMatch';
  const [path = '', query = ''] = request.url.split('?');
  let canonical = `${request.method}\n${path}\n${query.split('&').sort().join('&')}\n`;
  for (const name of names) canonical += `${name}:${request.headers[name]}\n`;
  canonical += `\n${signed}\n${createHash('sha256').update(request.body).digest('hex')}`;
  const toSign = `AWS4-HMAC-SHA256\n${stamp}\n${day}/${region}/${service}/aws4_request\n${createHash('sha256').update(canonical).digest('hex')}`;
  let key = Buffer.from(`AWS4${secret}`);
  for (const step of [day, region, service, 'aws4_request'])
    key = createHmac('sha256', key).update(step).digest();
  const expected = createHmac('sha256', key).update(toSign).digest();
  return timingSafeEqual(expected, Buffer.from(signature, 'hex')) ? null : 'SignatureDoesNotMatch';
}

function setXml(name: string, { ttl, values, setIdentifier }: RecordSet): string {
  const identifier =
    setIdentifier === undefined ? '' : `<SetIdentifier>${setIdentifier}</SetIdentifier><Weight>1</Weight>`;
  const records = values.map((value) => `<ResourceRecord><Value>${escaped(value)}</Value></ResourceRecord>`);
  return `<ResourceRecordSet><Name>${name}</Name><Type>TXT</Type>${identifier}<TTL>${ttl}</TTL><ResourceRecords>${records.join('')}</ResourceRecords></ResourceRecordSet>`;
}

function changeInfo(id: string, status: string): string {
  return `<ChangeInfo><Id>/change/${id}</Id><Status>${status}</Status><SubmittedAt>2026-11-24T09:00:00Z</SubmittedAt></ChangeInfo>`;
}

function xml(root: string, content: string): Reply {
  return {
    status: 200,
    body: `<?xml version="1.0"?>\n<${root} xmlns="https://route53.amazonaws.com/doc/2013-04-01/">${content}</${root}>`,
  };
}

export function error(status: number, code: string, message: string): Reply {
  return {
    status,
    body: `<?xml version="1.0"?><ErrorResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>r</RequestId></ErrorResponse>`,
  };
}

function reversed(name: string): string {
  return name.split('.').reverse().join('.');
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&apos;');
}

function unescaped(text: string): string {
  return text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
}
