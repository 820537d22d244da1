import { RigilError } from '../../errors.ts';
import { throwIfAborted } from '../../platform/abort.ts';
import type { Clock } from '../../platform/clock.ts';
import { Mutex } from '../mutex.ts';
import { isHttpUrl, isTtl, type OptionValues } from '../options.ts';
import type { RecordWriter } from '../writer.ts';
import { CNAME_OPTION, followsCnames, type ProviderEntry, type ProviderPorts } from './entry.ts';
import { Route53Client } from './route53-client.ts';
import type { Change, TxtSet } from './route53-xml.ts';

/** Amazon Route 53 (https://docs.aws.amazon.com/Route53/latest/APIReference/). */
export const route53: ProviderEntry = {
  name: 'route53',
  aliases: [],
  documentation:
    'Amazon Route 53; needs route53:ListHostedZonesByName, ListResourceRecordSets, ChangeResourceRecordSets (CREATE and DELETE) and GetChange.',
  options: [
    { name: 'access-key-id', documentation: 'Access key.', env: ['AWS_ACCESS_KEY_ID'] },
    {
      name: 'secret-access-key',
      documentation: 'Its secret.',
      secret: true,
      env: ['AWS_SECRET_ACCESS_KEY'],
    },
    {
      name: 'session-token',
      documentation: 'Of temporary credentials.',
      secret: true,
      env: ['AWS_SESSION_TOKEN'],
    },
    { name: 'profile', documentation: 'Section of the shared credentials file.', env: ['AWS_PROFILE'] },
    {
      name: 'credentials-file',
      documentation: 'Shared credentials file, ~/.aws/credentials if absent.',
      env: ['AWS_SHARED_CREDENTIALS_FILE'],
    },
    {
      name: 'zone-id',
      documentation: 'Hosted zone to write to; found by its name if absent.',
      env: ['AWS_HOSTED_ZONE_ID'],
      check: (value) =>
        /^(\/hostedzone\/)?[A-Z0-9]{1,32}$/.test(value) ? null : 'is no id of a hosted zone',
    },
    {
      name: 'region',
      documentation:
        'Region that requests are signed for: us-east-1 except in the partitions of China and US Gov.',
      default: 'us-east-1',
    },
    {
      name: 'endpoint',
      documentation: 'Address of the API.',
      default: 'https://route53.amazonaws.com',
      env: ['AWS_ENDPOINT_URL_ROUTE_53'],
      check: isHttpUrl,
    },
    {
      name: 'ttl',
      documentation: 'Time to live of the record, in seconds.',
      default: '60',
      env: ['AWS_TTL'],
      check: isTtl,
    },
    CNAME_OPTION,
  ],
  check: (options) =>
    (options.get('access-key-id') === null) === (options.get('secret-access-key') === null)
      ? []
      : ['access-key-id and secret-access-key belong together'],
  create: createWriter,
};

const MOST_ATTEMPTS = 6;
const PAUSE_MS = 500;

function createWriter(options: OptionValues, ports: ProviderPorts): RecordWriter {
  const client = new Route53Client(options, ports);
  const ttl = options.number('ttl');
  // Route 53 replaces whole sets. Within this process changes of a zone wait for each other; see `replace` for others.
  const mutex = new Mutex();
  return {
    followsCnames: followsCnames(options),
    async add({ name, value }, signal) {
      const zone = await client.zoneIdOf(name, signal);
      const quoted = `"${value}"`;
      const id = await mutex.run(zone, signal, () =>
        replace(client, { zone, name, ttl }, ports.clock, signal, (values) =>
          values.includes(quoted) ? values : [...values, quoted],
        ),
      );
      if (id !== null) await client.waitUntilInSync(id, signal);
    },
    async remove({ name, value }, signal) {
      const zone = await client.zoneIdOf(name, signal);
      await mutex.run(zone, signal, () =>
        replace(client, { zone, name, ttl }, ports.clock, signal, (values) =>
          values.filter((each) => each !== `"${value}"`),
        ),
      );
    },
  };
}

/**
 * Replaces the set of TXT records by what `edit` makes of its values. The old set is deleted exactly as it was read
 * and the new one is created in the same batch, so that Route 53 refuses the batch when somebody else, on any machine,
 * was faster: an UPSERT would silently drop the other's value.
 *
 * @returns the id of the change, or null when there was nothing to change
 */
async function replace(
  client: Route53Client,
  target: { readonly zone: string; readonly name: string; readonly ttl: number },
  clock: Clock,
  signal: AbortSignal,
  edit: (values: readonly string[]) => readonly string[],
): Promise<string | null> {
  const { zone, name, ttl } = target;
  for (let attempt = 1; ; attempt++) {
    const old = await client.txtSet(zone, name, signal);
    const values = edit(old?.values ?? []);
    if (values.length === (old?.values.length ?? 0)) return null;
    const outcome = await client.change(
      zone,
      name,
      changesFor(old, { ttl: old?.ttl ?? ttl, values }),
      signal,
    );
    if ('id' in outcome) return outcome.id;
    if (attempt >= MOST_ATTEMPTS) {
      throw new RigilError('dns-provider-failed', `route53: ${name} was not changed: ${outcome.conflict}`, {
        hint: 'something else changes this record all the time',
      });
    }
    await clock.sleep(attempt * PAUSE_MS, signal);
    throwIfAborted(signal);
  }
}

function changesFor(old: TxtSet | null, set: TxtSet): readonly Change[] {
  const changes: Change[] = old === null ? [] : [{ action: 'DELETE', set: old }];
  if (set.values.length > 0) changes.push({ action: 'CREATE', set });
  return changes;
}
