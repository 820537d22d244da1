import { RigilError } from '../../errors.ts';
import type { HttpResponse } from '../../platform/http.ts';
import { callApi, jsonOf, listMember, member, textMember } from '../api.ts';
import { selfAndParents } from '../names.ts';
import { isHttpUrl, isTtl, type OptionValues } from '../options.ts';
import type { RecordWriter } from '../writer.ts';
import { CNAME_OPTION, followsCnames, type ProviderEntry, type ProviderPorts } from './entry.ts';

/** The REST API of https://developers.cloudflare.com/api/, version 4. */
export const cloudflare: ProviderEntry = {
  name: 'cloudflare',
  aliases: [],
  documentation: 'Cloudflare, with an API token that may edit DNS.',
  options: [
    {
      name: 'token',
      documentation:
        'API token with Zone / DNS / Edit for the zones, and Zone / Zone / Read unless zone-token has it.',
      required: true,
      secret: true,
      env: ['CLOUDFLARE_DNS_API_TOKEN', 'CF_DNS_API_TOKEN'],
    },
    {
      name: 'zone-token',
      documentation: 'API token with Zone / Zone / Read, when it is another one.',
      secret: true,
      env: ['CLOUDFLARE_ZONE_API_TOKEN', 'CF_ZONE_API_TOKEN'],
    },
    {
      name: 'ttl',
      documentation: 'Time to live of the record, in seconds; 60 is the least.',
      default: '120',
      env: ['CLOUDFLARE_TTL', 'CF_TTL'],
      check: isTtl,
    },
    {
      name: 'api',
      documentation: 'Address of the API.',
      default: 'https://api.cloudflare.com/client/v4',
      env: ['CLOUDFLARE_BASE_URL'],
      check: isHttpUrl,
    },
    CNAME_OPTION,
  ],
  create: createWriter,
};

/** Codes of the API for a record that is there already. */
const EXISTS = [81057, 81058];

function createWriter(options: OptionValues, ports: ProviderPorts): RecordWriter {
  const base = options.text('api').replace(/\/+$/, '');
  const token = options.text('token');
  const zoneToken = options.get('zone-token') ?? token;

  function call(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    extra: { readonly auth?: string; readonly body?: string; readonly expected?: readonly number[] },
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    const { auth = token, ...rest } = extra;
    return callApi(
      ports,
      {
        who: 'cloudflare',
        method,
        url: `${base}${path}`,
        headers: { authorization: `Bearer ${auth}`, 'content-type': 'application/json' },
        explain,
        refusedHint: 'the token needs Zone / DNS / Edit and Zone / Zone / Read for this zone',
        ...rest,
      },
      signal,
    );
  }

  /** The zone that holds `name`: the longest of the names above it that the token can see as one. */
  async function zoneIdOf(name: string, signal: AbortSignal): Promise<string> {
    for (const candidate of selfAndParents(name)) {
      if (!candidate.includes('.')) break;
      const found = await call('GET', `/zones?name=${candidate}`, { auth: zoneToken }, signal);
      const zones = listMember(jsonOf('cloudflare', found), 'result');
      const zone = zones.find((each) => textMember(each, 'status') === 'active') ?? zones[0];
      const id = textMember(zone, 'id');
      if (id !== null) return id;
    }
    throw new RigilError('dns-provider-refused', `cloudflare: no zone that the token can see holds ${name}`, {
      hint: 'add the zone to the resources of the token, or set cname=ignore if a CNAME leads to the wrong zone',
    });
  }

  return {
    followsCnames: followsCnames(options),
    async add({ name, value }, signal) {
      const zone = await zoneIdOf(name, signal);
      const body = JSON.stringify({ type: 'TXT', name, content: `"${value}"`, ttl: options.number('ttl') });
      const response = await call('POST', `/zones/${zone}/dns_records`, { body, expected: [400] }, signal);
      if (response.status !== 400) return;
      if (errorsOf(response).some((error) => EXISTS.includes(Number(member(error, 'code'))))) return;
      throw new RigilError(
        'dns-provider-refused',
        `cloudflare: the record ${name} was refused: ${explain(response)}`,
      );
    },
    async remove({ name, value }, signal) {
      const zone = await zoneIdOf(name, signal);
      const found = await call(
        'GET',
        `/zones/${zone}/dns_records?type=TXT&name=${name}&per_page=100`,
        {},
        signal,
      );
      const ids = listMember(jsonOf('cloudflare', found), 'result')
        .filter((record) => textMember(record, 'content')?.replace(/^"|"$/g, '') === value)
        .map((record) => textMember(record, 'id'));
      for (const id of ids) {
        // 404: somebody else has removed it meanwhile.
        if (id !== null)
          await call('DELETE', `/zones/${zone}/dns_records/${id}`, { expected: [404] }, signal);
      }
    },
  };
}

/** `10000: Authentication error`, as the API words its errors. */
function explain(response: HttpResponse): string | null {
  const said = errorsOf(response).map(
    (error) => `${Number(member(error, 'code'))}: ${textMember(error, 'message')}`,
  );
  return said.length === 0 ? null : said.join('; ');
}

function errorsOf(response: HttpResponse): readonly unknown[] {
  try {
    return listMember(JSON.parse(response.body), 'errors');
  } catch {
    return [];
  }
}
