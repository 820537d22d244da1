import { RigilError } from '../../errors.ts';
import { throwIfAborted } from '../../platform/abort.ts';
import type { HttpResponse } from '../../platform/http.ts';
import { callApi } from '../api.ts';
import { selfAndParents } from '../names.ts';
import type { OptionValues } from '../options.ts';
import { AwsCredentialChain } from './aws-credentials.ts';
import { signAwsRequest } from './aws-signature.ts';
import type { ProviderPorts } from './entry.ts';
import { type Change, changeRequest, element, elements, type TxtSet, text } from './route53-xml.ts';

/** How often and how long it is asked whether a change has reached all servers, in milliseconds. */
const POLL_MS = 4000;
const SYNC_LIMIT_MS = 120_000;

/**
 * Codes of a status 400 after which the same thing, begun anew, may work: others have changed the set meanwhile, are
 * changing the zone, or have used up the five requests a second of the account.
 */
const TRY_AGAIN: ReadonlySet<string> = new Set([
  'InvalidChangeBatch',
  'PriorRequestNotComplete',
  'Throttling',
  'ThrottlingException',
]);

/** The five operations of Route 53's API that are needed. All throw RigilError `dns-provider-refused`, `dns-provider-failed`, `aborted`. */
export class Route53Client {
  readonly #base: string;
  readonly #region: string;
  readonly #zoneId: string | null;
  readonly #credentials: AwsCredentialChain;
  readonly #ports: ProviderPorts;

  constructor(options: OptionValues, ports: ProviderPorts) {
    this.#base = `${options.text('endpoint').replace(/\/+$/, '')}/2013-04-01`;
    this.#region = options.text('region');
    this.#zoneId = options.get('zone-id')?.replace('/hostedzone/', '') ?? null;
    this.#credentials = new AwsCredentialChain(options, ports);
    this.#ports = ports;
  }

  /** The id of the public zone that holds `name`: the one with the longest name. */
  async zoneIdOf(name: string, signal: AbortSignal): Promise<string> {
    if (this.#zoneId !== null) return this.#zoneId;
    for (const candidate of selfAndParents(name)) {
      const listed = await this.#call('GET', `/hostedzonesbyname?dnsname=${candidate}`, '', signal);
      const [id, ...others] = elements(listed.body, 'HostedZone')
        .filter((zone) => text(zone, 'Name') === `${candidate}.` && text(zone, 'PrivateZone') !== 'true')
        .map((zone) => (text(zone, 'Id') ?? '').replace('/hostedzone/', ''));
      if (others.length > 0) {
        throw refused(`there are several public zones named ${candidate}: ${[id, ...others].join(', ')}`, {
          hint: 'name the one that the domain is delegated to: zone-id=…',
        });
      }
      if (id !== undefined) return id;
    }
    throw refused(`no public hosted zone of this account holds ${name}`, {
      hint: 'see that these are the right credentials, or set cname=ignore if a CNAME leads to the wrong zone',
    });
  }

  async txtSet(zone: string, name: string, signal: AbortSignal): Promise<TxtSet | null> {
    const path = `/hostedzone/${zone}/rrset?name=${name}&type=TXT&maxitems=1`;
    // The answer begins at the name, or at what follows it when it has no such set.
    const set = element((await this.#call('GET', path, '', signal)).body, 'ResourceRecordSet');
    if (set === null || text(set, 'Name') !== `${name}.` || text(set, 'Type') !== 'TXT') return null;
    if (text(set, 'SetIdentifier') !== null) {
      throw refused(`the TXT record ${name} has a routing policy, which is left alone`, {
        hint: `make ${name} a simple record, or remove it`,
      });
    }
    const values = elements(set, 'ResourceRecord').map((record) => text(record, 'Value') ?? '');
    return { ttl: Number(text(set, 'TTL')), values };
  }

  /** @returns the id of the change, or `conflict` when it was not made but may work when begun anew */
  async change(
    zone: string,
    name: string,
    changes: readonly Change[],
    signal: AbortSignal,
  ): Promise<{ readonly id: string } | { readonly conflict: string }> {
    const response = await this.#call(
      'POST',
      `/hostedzone/${zone}/rrset/`,
      changeRequest(name, changes),
      signal,
    );
    if (response.status !== 400) return { id: (text(response.body, 'Id') ?? '').replace('/change/', '') };
    const why = explainError(response) ?? 'no reason given';
    if (TRY_AGAIN.has(codeOfError(response) ?? '')) return { conflict: why };
    throw refused(`the change of ${name} was refused: ${why}`, {});
  }

  /** Waits until all servers of Route 53 have the change. */
  async waitUntilInSync(changeId: string, signal: AbortSignal): Promise<void> {
    const { clock } = this.#ports;
    const giveUpAt = clock.now() + SYNC_LIMIT_MS;
    for (;;) {
      const response = await this.#call('GET', `/change/${changeId}`, '', signal);
      if (text(response.body, 'Status') === 'INSYNC') return;
      if (clock.now() >= giveUpAt) {
        const seconds = SYNC_LIMIT_MS / 1000;
        throw new RigilError(
          'dns-provider-failed',
          `route53: a change has not reached all servers after ${seconds} s`,
          {
            hint: 'see https://health.aws.amazon.com/ for Route 53',
          },
        );
      }
      await clock.sleep(POLL_MS, signal);
      throwIfAborted(signal);
    }
  }

  async #call(
    method: 'GET' | 'POST',
    path: string,
    body: string,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    const url = `${this.#base}${path}`;
    const contentType: Record<string, string> = body === '' ? {} : { 'content-type': 'text/xml' };
    const headers = signAwsRequest(
      { method, url, body, headers: contentType },
      await this.#credentials.credentials(signal),
      { region: this.#region, service: 'route53' },
      this.#ports.clock.now(),
    );
    const call = {
      who: 'route53',
      method,
      url,
      headers,
      ...(body === '' ? {} : { body }),
      explain: explainError,
      expected: method === 'POST' ? [400] : [],
      refusedHint: "see the policy of these credentials, the key itself, and this machine's clock",
    };
    return callApi(this.#ports, call, signal);
  }
}

function refused(what: string, options: { readonly hint?: string }): RigilError {
  return new RigilError('dns-provider-refused', `route53: ${what}`, options);
}

/** `AccessDenied: User … is not authorized`, as in AWS's error documents. */
function explainError(response: HttpResponse): string | null {
  const code = codeOfError(response);
  return code === null ? null : `${code}: ${text(response.body, 'Message') ?? ''}`;
}

/** Refused batches have a document of their own, named for the error; all others hold a Code. */
function codeOfError({ body }: HttpResponse): string | null {
  return element(body, 'InvalidChangeBatch') === null ? text(body, 'Code') : 'InvalidChangeBatch';
}
