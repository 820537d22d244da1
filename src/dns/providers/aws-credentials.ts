import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { messageOf, RigilError, systemCodeOf } from '../../errors.ts';
import { throwIfAborted } from '../../platform/abort.ts';
import { bounded } from '../../platform/bounded.ts';
import type { Instant } from '../../platform/clock.ts';
import type { HttpRequest } from '../../platform/http.ts';
import { jsonOf, textMember } from '../api.ts';
import type { OptionValues } from '../options.ts';
import type { AwsCredentials } from './aws-signature.ts';
import type { ProviderPorts } from './entry.ts';

/** Temporary credentials are renewed this long before they end, in milliseconds. */
const SPARE_MS = 5 * 60_000;
/** The metadata services are next door, or absent. */
const METADATA_LIMIT_MS = 5000;

interface Found extends AwsCredentials {
  readonly expiresAt: Instant | null;
}

/**
 * Finds credentials where AWS's own programs look, in their order: options, environment, the shared credentials file,
 * the container's endpoint (ECS, EKS Pod Identity), the instance's metadata service (IMDSv2). Remembers them.
 */
export class AwsCredentialChain {
  readonly #options: OptionValues;
  readonly #ports: ProviderPorts;
  #found: Found | null = null;

  constructor(options: OptionValues, ports: ProviderPorts) {
    this.#options = options;
    this.#ports = ports;
  }

  /** @throws RigilError `dns-provider-refused` when there are none, `dns-provider-failed`, `aborted` */
  async credentials(signal: AbortSignal): Promise<AwsCredentials> {
    const expiresAt = this.#found?.expiresAt ?? Number.POSITIVE_INFINITY;
    if (this.#found !== null && this.#ports.clock.now() < expiresAt - SPARE_MS) return this.#found;
    this.#found =
      this.#fromOptions() ??
      (await this.#fromFile()) ??
      (await this.#fromContainer(signal)) ??
      (await this.#fromInstance(signal));
    if (this.#found !== null) return this.#found;
    throw new RigilError('dns-provider-refused', 'route53: there are no AWS credentials', {
      hint: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile of ~/.aws/credentials (profile=…), or give the instance or task a role',
    });
  }

  #fromOptions(): Found | null {
    // A profile in the configuration is meant for this, keys in the environment may be meant for something else.
    if (this.#options.isGiven('profile') && !this.#options.isGiven('access-key-id')) return null;
    const accessKeyId = this.#options.get('access-key-id');
    const secretAccessKey = this.#options.get('secret-access-key');
    if (accessKeyId === null || secretAccessKey === null) return null;
    return {
      accessKeyId,
      secretAccessKey,
      sessionToken: this.#options.get('session-token'),
      expiresAt: null,
    };
  }

  async #fromFile(): Promise<Found | null> {
    const { env } = this.#ports;
    const file =
      this.#options.get('credentials-file') ?? join(env['HOME'] ?? homedir(), '.aws', 'credentials');
    const asked = this.#options.get('profile');
    let text: string;
    try {
      text = await readFile(file, 'utf8');
    } catch (error) {
      if (systemCodeOf(error) === 'ENOENT' && asked === null) return null;
      throw new RigilError('dns-provider-refused', `route53: ${file} cannot be read: ${messageOf(error)}`);
    }
    const profile = profileIn(text, asked ?? 'default');
    const accessKeyId = profile?.get('aws_access_key_id');
    const secretAccessKey = profile?.get('aws_secret_access_key');
    if (accessKeyId !== undefined && secretAccessKey !== undefined) {
      const sessionToken = profile?.get('aws_session_token') ?? null;
      // Other programs renew such files: read again after a while.
      const expiresAt = this.#ports.clock.now() + 2 * SPARE_MS;
      return { accessKeyId, secretAccessKey, sessionToken, expiresAt };
    }
    if (asked === null) return null;
    throw new RigilError(
      'dns-provider-refused',
      `route53: the profile ${asked} in ${file} has no access key`,
      {
        hint: 'roles, SSO and credential_process are not understood: name a profile with aws_access_key_id and aws_secret_access_key',
      },
    );
  }

  async #fromContainer(signal: AbortSignal): Promise<Found | null> {
    const { env } = this.#ports;
    const relative = env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'];
    const url =
      relative === undefined ? env['AWS_CONTAINER_CREDENTIALS_FULL_URI'] : `http://169.254.170.2${relative}`;
    if (url === undefined) return null;
    if (!URL.canParse(url) || !isTrustedEndpoint(new URL(url))) {
      throw new RigilError('dns-provider-refused', `route53: credentials are not fetched from ${url}`, {
        hint: 'without https, AWS_CONTAINER_CREDENTIALS_FULL_URI may only name this machine or the addresses of ECS and EKS',
      });
    }
    const file = env['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'];
    const token =
      file === undefined ? env['AWS_CONTAINER_AUTHORIZATION_TOKEN'] : await readFile(file, 'utf8');
    const headers: Record<string, string> = token === undefined ? {} : { authorization: token.trim() };
    return foundIn(await this.#metadata({ method: 'GET', url, headers }, signal));
  }

  async #fromInstance(signal: AbortSignal): Promise<Found | null> {
    const { env } = this.#ports;
    if (env['AWS_EC2_METADATA_DISABLED']?.toLowerCase() === 'true') return null;
    const base = (env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] ?? 'http://169.254.169.254').replace(/\/+$/, '');
    let token: string;
    try {
      const ttl = { 'x-aws-ec2-metadata-token-ttl-seconds': '21600' };
      token = await this.#metadata({ method: 'PUT', url: `${base}/latest/api/token`, headers: ttl }, signal);
    } catch (error) {
      throwIfAborted(signal);
      // Not on EC2: nobody is there, or somebody who does not know the protocol.
      if (error instanceof RigilError) return null;
      throw error;
    }
    const headers = { 'x-aws-ec2-metadata-token': token };
    const roles = `${base}/latest/meta-data/iam/security-credentials/`;
    const [role = ''] = (await this.#metadata({ method: 'GET', url: roles, headers }, signal)).split('\n');
    return foundIn(await this.#metadata({ method: 'GET', url: `${roles}${role.trim()}`, headers }, signal));
  }

  async #metadata(request: HttpRequest, signal: AbortSignal): Promise<string> {
    const { clock, http } = this.#ports;
    const failed = (why: string): RigilError =>
      new RigilError('dns-provider-failed', `route53: no credentials from ${request.url}: ${why}`);
    try {
      const limits = { clock, timeoutMs: METADATA_LIMIT_MS, signal, onTimeout: () => failed('no answer') };
      const response = await bounded(limits, (stop) => http(request, stop));
      if (response.status === 200) return response.body;
      throw failed(`status ${response.status}`);
    } catch (error) {
      throwIfAborted(signal);
      throw error instanceof RigilError ? error : failed(systemCodeOf(error) ?? 'no connection');
    }
  }
}

/** Where a container's credentials may be fetched from without TLS: this machine, ECS, EKS. */
function isTrustedEndpoint({ protocol, hostname }: URL): boolean {
  return (
    protocol === 'https:' ||
    hostname === 'localhost' ||
    hostname === '[::1]' ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname) ||
    ['169.254.170.2', '169.254.170.23', '[fd00:ec2::23]'].includes(hostname)
  );
}

function foundIn(body: string): Found {
  const parsed = jsonOf('route53', { status: 200, headers: {}, body });
  const accessKeyId = textMember(parsed, 'AccessKeyId');
  const secretAccessKey = textMember(parsed, 'SecretAccessKey');
  if (accessKeyId === null || secretAccessKey === null) {
    throw new RigilError('dns-provider-failed', 'route53: the metadata service answered without credentials');
  }
  const expiresAt = Date.parse(textMember(parsed, 'Expiration') ?? '');
  return {
    accessKeyId,
    secretAccessKey,
    sessionToken: textMember(parsed, 'Token'),
    expiresAt: Number.isNaN(expiresAt) ? null : expiresAt,
  };
}

/** One section of an INI file as AWS writes them, or null. */
function profileIn(text: string, wanted: string): ReadonlyMap<string, string> | null {
  let inside = false;
  let found: Map<string, string> | null = null;
  for (const line of text.split(/\r?\n/)) {
    const section = /^\s*\[\s*(?:profile\s+)?(.+?)\s*\]/.exec(line)?.[1];
    if (section !== undefined) {
      inside = section === wanted;
      if (inside) found ??= new Map();
      continue;
    }
    const [, key, value] = /^\s*([a-z_]+)\s*=\s*(.*?)\s*$/i.exec(line) ?? [];
    if (inside && key !== undefined && value !== undefined) found?.set(key.toLowerCase(), value);
  }
  return found;
}
