import { isIPv6 } from 'node:net';
import { RigilError } from '../../errors.ts';
import { CLASS, encodeTxt, OPCODE, type ResourceRecord, rcodeOf, soaOwner, TYPE } from '../message.ts';
import { isDnsName, isWithin, selfAndParents, withoutDot } from '../names.ts';
import { isTtl, type OptionValues, oneOf } from '../options.ts';
import { TSIG_ALGORITHMS } from '../tsig.ts';
import { UpdateClient } from '../update-client.ts';
import type { RecordWriter } from '../writer.ts';
import { CNAME_OPTION, followsCnames, type ProviderEntry, type ProviderPorts } from './entry.ts';
import { algorithmOf, isKeyName, secretOf, tsigKeyOf } from './tsig-key.ts';

/** Dynamic updates (RFC 2136) signed with TSIG (RFC 8945): BIND, Knot, PowerDNS, Windows DNS … */
export const rfc2136: ProviderEntry = {
  name: 'rfc2136',
  aliases: ['dnsupdate'],
  documentation: 'Sends a signed dynamic update to the primary server of the zone.',
  options: [
    {
      name: 'server',
      documentation: 'Primary server, as host or host:port (53 if absent).',
      required: true,
      env: ['RFC2136_NAMESERVER', 'DNSUPDATE_NAMESERVER'],
      check: (value) => (parseServer(value) === null ? 'is no host or host:port' : null),
    },
    {
      name: 'key',
      documentation: 'Name of the TSIG key, as the server knows it.',
      env: ['RFC2136_TSIG_KEY', 'DNSUPDATE_TSIG_KEY'],
      check: (value) => (isKeyName(value) ? null : 'is no name of a key'),
    },
    {
      name: 'secret',
      documentation: 'The TSIG key, in base64.',
      secret: true,
      env: ['RFC2136_TSIG_SECRET', 'DNSUPDATE_TSIG_SECRET'],
      check: (value) => (secretOf(value) === null ? 'is not base64' : null),
    },
    {
      name: 'algorithm',
      documentation: `One of ${Object.keys(TSIG_ALGORITHMS).join(', ')}.`,
      default: 'hmac-sha256',
      env: ['RFC2136_TSIG_ALGORITHM', 'DNSUPDATE_TSIG_ALGORITHM'],
      check: (value) => oneOf(...Object.keys(TSIG_ALGORITHMS))(algorithmOf(value)),
    },
    {
      name: 'key-file',
      documentation: 'File as tsig-keygen writes it, instead of key, secret and algorithm.',
      env: ['RFC2136_TSIG_FILE', 'DNSUPDATE_TSIG_FILE'],
    },
    {
      name: 'zone',
      documentation: 'Zone to update; asked of the server if absent.',
      check: (value) => (isDnsName(value) ? null : 'is no DNS name'),
    },
    {
      name: 'ttl',
      documentation: 'Time to live of the record, in seconds.',
      default: '60',
      env: ['RFC2136_TTL', 'DNSUPDATE_TTL'],
      check: isTtl,
    },
    CNAME_OPTION,
  ],
  check: (options) =>
    (options.get('key') === null) === (options.get('secret') === null)
      ? []
      : ['key and secret belong together'],
  create: createWriter,
};

function createWriter(options: OptionValues, { clock }: ProviderPorts): RecordWriter {
  const server = parseServer(options.text('server')) ?? { host: '', port: 53 };
  const client = new UpdateClient(server, tsigKeyOf(options), clock);
  const configured = options.get('zone')?.toLowerCase() ?? null;

  /** Asks the server itself which of its zones holds `name`: an SOA record comes with every answer of authority. */
  async function zoneOf(name: string, signal: AbortSignal): Promise<string> {
    if (configured !== null && isWithin(name, withoutDot(configured))) return withoutDot(configured);
    if (configured !== null) {
      throw new RigilError('dns-provider-refused', `rfc2136: ${name} is not in the zone ${configured}`, {
        hint: 'leave zone= out to have it found',
      });
    }
    for (const candidate of selfAndParents(name)) {
      const questions = [{ name: candidate, type: TYPE.SOA, class: CLASS.IN }];
      const query = { flags: OPCODE.QUERY << 11, questions, answers: [], authorities: [], additionals: [] };
      const answer = await client.ask(query, signal);
      const zone = soaOwner(answer, candidate);
      if (zone !== null) return zone;
    }
    throw new RigilError('dns-provider-refused', `rfc2136: ${client.label} has no zone that holds ${name}`, {
      hint: 'name its primary server with server=, or the zone with zone=',
    });
  }

  async function update(
    record: ResourceRecord,
    prerequisites: readonly ResourceRecord[],
    signal: AbortSignal,
  ): Promise<void> {
    const zone = await zoneOf(record.name, signal);
    const message = {
      flags: OPCODE.UPDATE << 11,
      questions: [{ name: zone, type: TYPE.SOA, class: CLASS.IN }],
      answers: prerequisites,
      authorities: [record],
      additionals: [],
    };
    const rcode = rcodeOf(await client.ask(message, signal));
    if (rcode === 0) return;
    const [word, hint] = REFUSALS[rcode] ?? [`RCODE ${rcode}`, undefined];
    const code = rcode === 2 ? 'dns-provider-failed' : 'dns-provider-refused';
    throw new RigilError(
      code,
      `rfc2136: ${client.label} answers ${word} to the update of ${record.name} in zone ${zone}`,
      { hint },
    );
  }

  return {
    followsCnames: followsCnames(options),
    add: ({ name, value }, signal) =>
      update(
        { name, type: TYPE.TXT, class: CLASS.IN, ttl: options.number('ttl'), data: encodeTxt(value) },
        // There must be no CNAME (RFC 2136 2.4.3): beside one, an addition is ignored in silence (3.4.2.2).
        [{ name, type: TYPE.CNAME, class: CLASS.NONE, ttl: 0, data: Buffer.alloc(0) }],
        signal,
      ),
    // Class NONE with the data of one record: that record and no other (RFC 2136 2.5.4).
    remove: ({ name, value }, signal) =>
      update({ name, type: TYPE.TXT, class: CLASS.NONE, ttl: 0, data: encodeTxt(value) }, [], signal),
  };
}

/** RCODEs of an update (RFC 2136 2.2), each with a way out. */
const REFUSALS: Readonly<Record<number, readonly [string, string | undefined]>> = {
  1: ['FORMERR', 'the server does not understand dynamic updates as of RFC 2136'],
  2: ['SERVFAIL', 'see its log; often it may not write its zone or journal file'],
  4: ['NOTIMP', 'the server takes no dynamic updates'],
  5: ['REFUSED', 'allow it there, in BIND: update-policy { grant KEY name NAME TXT; }'],
  7: ['YXRRSET', 'the name is a CNAME there, beside which no TXT record can be: cname=follow, or remove it'],
  9: ['NOTAUTH', 'it is not the primary server of the zone, or it does not accept the key'],
  10: ['NOTZONE', 'the name is not in that zone: leave zone= out to have it found'],
};

function parseServer(text: string): { readonly host: string; readonly port: number } | null {
  const bracketed = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(text);
  const [, host = '', port = '53'] =
    bracketed ?? (isIPv6(text) ? [text, text] : (/^([^:\s]+)(?::(\d{1,5}))?$/.exec(text) ?? []));
  const valid = bracketed === null ? isIPv6(host) || isDnsName(host) : isIPv6(host);
  return valid && Number(port) >= 1 && Number(port) <= 65_535 ? { host, port: Number(port) } : null;
}
