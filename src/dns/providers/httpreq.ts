import { callApi } from '../api.ts';
import { isHttpUrl, oneOf } from '../options.ts';
import type { ChallengeRecord } from '../provider.ts';
import { CNAME_OPTION, followsCnames, type ProviderEntry } from './entry.ts';
import { CA_OPTION, readCa } from './private-ca.ts';

/** The protocol of lego's `httpreq`, for a server that answers POST /present and POST /cleanup. */
export const httpreq: ProviderEntry = {
  name: 'httpreq',
  aliases: [],
  documentation: 'Asks an HTTP server of yours to add and remove the record (the protocol of lego httpreq).',
  options: [
    {
      name: 'endpoint',
      documentation: 'Address of the server; /present and /cleanup are added to it.',
      required: true,
      env: ['HTTPREQ_ENDPOINT'],
      check: isHttpUrl,
    },
    {
      name: 'mode',
      documentation: 'What is sent: fqdn and value (default), or domain, token and keyAuth (RAW).',
      default: 'default',
      env: ['HTTPREQ_MODE'],
      check: oneOf('default', 'RAW'),
    },
    { name: 'username', documentation: 'For Basic authentication.', env: ['HTTPREQ_USERNAME'] },
    {
      name: 'password',
      documentation: 'For Basic authentication.',
      secret: true,
      env: ['HTTPREQ_PASSWORD'],
    },
    CA_OPTION,
    CNAME_OPTION,
  ],
  check: (options) =>
    (options.get('username') === null) === (options.get('password') === null)
      ? []
      : ['username and password belong together'],
  create(options, ports) {
    const endpoint = new URL(options.text('endpoint'));
    const user = options.get('username') ?? decodeURIComponent(endpoint.username);
    const password = options.get('password') ?? decodeURIComponent(endpoint.password);
    endpoint.username = '';
    endpoint.password = '';
    const base = endpoint.href.replace(/\/+$/, '');
    const raw = options.text('mode') === 'RAW';
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json',
      ...(user === ''
        ? {}
        : { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` }),
    };
    const ca = readCa(options);

    async function post(path: string, record: ChallengeRecord, signal: AbortSignal): Promise<void> {
      const message = raw
        ? { domain: record.domain, token: record.token, keyAuth: record.keyAuthorization }
        : { fqdn: `${record.name}.`, value: record.value };
      const call = {
        who: 'httpreq',
        method: 'POST',
        url: `${base}/${path}`,
        headers,
        body: JSON.stringify(message),
        refusedHint: 'see whether username and password are those that the server expects',
        ...ca,
      } as const;
      await callApi(ports, call, signal);
    }

    return {
      followsCnames: !raw && followsCnames(options),
      add: (record, signal) => post('present', record, signal),
      remove: (record, signal) => post('cleanup', record, signal),
    };
  },
};
