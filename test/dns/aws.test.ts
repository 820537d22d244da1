import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resolveOptions } from '../../src/dns/options.ts';
import { AwsCredentialChain } from '../../src/dns/providers/aws-credentials.ts';
import { signAwsRequest } from '../../src/dns/providers/aws-signature.ts';
import { route53 } from '../../src/dns/providers/route53.ts';
import { type LeapingClock, leapingClock } from './clock.ts';
import { type Handler, json, serve, type TestServer } from './http-server.ts';
import { testPorts } from './ports.ts';
import { never } from './records.ts';

describe('signature version 4', () => {
  // Requests and signatures of the test suite and the documentation that AWS publishes.
  const credentials = {
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
    sessionToken: null,
  };
  const now = Date.parse('2015-08-30T12:36:00Z');
  const sign = (
    method: string,
    url: string,
    headers: Readonly<Record<string, string>> = {},
    service = 'service',
  ) => signAwsRequest({ method, url, headers, body: '' }, credentials, { region: 'us-east-1', service }, now);

  it.each([
    ['get-vanilla', 'GET', '/', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['post-vanilla', 'POST', '/', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
    [
      'get-vanilla-query-order-key-case',
      'GET',
      '/?Param2=value2&Param1=value1',
      'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    ],
  ])('is that of %s', (_, method, path, signature) => {
    expect(sign(method, `https://example.amazonaws.com${path}`)['authorization']).toBe(
      `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=${signature}`,
    );
  });

  it('is that of the documented request for ListUsers', () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
    const url = 'https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08';
    expect(sign('GET', url, headers, 'iam')['authorization']).toMatch(
      /SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7$/,
    );
  });

  it('covers the token of temporary credentials', () => {
    const signed = signAwsRequest(
      { method: 'GET', url: 'https://example.amazonaws.com/', headers: {}, body: '' },
      { ...credentials, sessionToken: 'token' },
      { region: 'us-east-1', service: 'service' },
      now,
    );
    expect(signed['x-amz-security-token']).toBe('token');
    expect(signed['authorization']).toContain('SignedHeaders=host;x-amz-date;x-amz-security-token,');
  });
});

describe('AWS credentials', () => {
  let home: string;
  let clock: LeapingClock;
  let server: TestServer | null = null;

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'rigil-aws-'));
    clock = leapingClock({ upToMs: 4000 });
  });
  afterEach(async () => {
    await server?.stop();
    server = null;
    await rm(home, { recursive: true, force: true });
  });

  /** Without a metadata service, unless the environment names one. */
  function chain(
    options: Readonly<Record<string, string>>,
    variables: Readonly<Record<string, string>> = {},
  ) {
    const env = { HOME: home, AWS_EC2_METADATA_DISABLED: 'true', ...variables };
    return new AwsCredentialChain(resolveOptions(route53.options, options, env), testPorts({ env, clock }));
  }
  const start = async (handler: Handler): Promise<string> => {
    server = await serve(handler);
    return server.url;
  };
  const temporary = (id: string, inMs: number) => ({
    AccessKeyId: id,
    SecretAccessKey: 's',
    Token: 't',
    Expiration: new Date(clock.now() + inMs).toISOString(),
  });

  it('come from the options before all else', async () => {
    const options = { 'access-key-id': 'OPTION', 'secret-access-key': 's' };
    const env = { AWS_ACCESS_KEY_ID: 'ENV', AWS_SECRET_ACCESS_KEY: 's' };
    expect(await chain(options, env).credentials(never)).toMatchObject({
      accessKeyId: 'OPTION',
      sessionToken: null,
    });
  });

  it('come from the environment', async () => {
    const env = { AWS_ACCESS_KEY_ID: 'ENV', AWS_SECRET_ACCESS_KEY: 's', AWS_SESSION_TOKEN: 't' };
    expect(await chain({}, env).credentials(never)).toMatchObject({ accessKeyId: 'ENV', sessionToken: 't' });
  });

  it('come from the shared file: a profile of the configuration beats keys in the environment', async () => {
    const file = join(home, 'credentials');
    await writeFile(
      file,
      '# mine\n[default]\naws_access_key_id = DEFAULT\naws_secret_access_key=d\n\n[dns]\r\nAWS_ACCESS_KEY_ID=DNS\r\naws_secret_access_key = a=b\r\n[sso]\nsso_session = x\n',
    );
    const env = { AWS_SHARED_CREDENTIALS_FILE: file };
    expect(await chain({}, env).credentials(never)).toMatchObject({ accessKeyId: 'DEFAULT' });
    expect(await chain({}, { ...env, AWS_PROFILE: 'dns' }).credentials(never)).toMatchObject({
      accessKeyId: 'DNS',
      secretAccessKey: 'a=b',
    });
    const both = { ...env, AWS_ACCESS_KEY_ID: 'ENV', AWS_SECRET_ACCESS_KEY: 's' };
    expect(await chain({ profile: 'dns' }, both).credentials(never)).toMatchObject({ accessKeyId: 'DNS' });
    await expect(chain({ profile: 'sso' }, env).credentials(never)).rejects.toMatchObject({
      code: 'dns-provider-refused',
      hint: expect.stringContaining('SSO'),
    });
  });

  it("come from the container's endpoint, with its token, and are fetched again before they end", async () => {
    let given = 0;
    const url = await start(({ headers }) =>
      headers['authorization'] === 'Bearer of-the-pod'
        ? json(200, temporary(`POD${++given}`, 3600_000))
        : { status: 401 },
    );
    const tokenFile = join(home, 'token');
    await writeFile(tokenFile, 'Bearer of-the-pod\n');
    const env = {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/v1`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: tokenFile,
    };
    const one = chain({}, env);
    const begun = clock.now();
    expect(await one.credentials(never)).toMatchObject({ accessKeyId: 'POD1', sessionToken: 't' });
    expect(await one.credentials(never)).toMatchObject({ accessKeyId: 'POD1' });
    while (clock.now() < begun + 56 * 60_000) await clock.sleep(4000);
    expect(await one.credentials(never)).toMatchObject({ accessKeyId: 'POD2' });
  });

  it('are not fetched over plain HTTP from anywhere', async () => {
    const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://evil.example/creds' };
    await expect(chain({}, env).credentials(never)).rejects.toMatchObject({ code: 'dns-provider-refused' });
  });

  it("come from the instance's metadata service, version 2", async () => {
    const url = await start(({ method, path, headers }) => {
      if (method === 'PUT' && path === '/latest/api/token') {
        return headers['x-aws-ec2-metadata-token-ttl-seconds'] === '21600'
          ? { status: 200, body: 'TOKEN' }
          : { status: 400 };
      }
      if (headers['x-aws-ec2-metadata-token'] !== 'TOKEN') return { status: 401 };
      if (path === '/latest/meta-data/iam/security-credentials/') return { status: 200, body: 'dns-role' };
      return path.endsWith('/dns-role')
        ? json(200, { Code: 'Success', ...temporary('INSTANCE', 3600_000) })
        : { status: 404 };
    });
    const env = { AWS_EC2_METADATA_DISABLED: 'false', AWS_EC2_METADATA_SERVICE_ENDPOINT: url };
    expect(await chain({}, env).credentials(never)).toMatchObject({
      accessKeyId: 'INSTANCE',
      sessionToken: 't',
    });
  });

  it('are nowhere: the error says where they could be', async () => {
    const url = await start(() => ({ status: 404 }));
    for (const env of [{}, { AWS_EC2_METADATA_DISABLED: 'false', AWS_EC2_METADATA_SERVICE_ENDPOINT: url }]) {
      await expect(chain({}, env).credentials(never)).rejects.toMatchObject({
        code: 'dns-provider-refused',
        hint: expect.stringContaining('AWS_ACCESS_KEY_ID'),
      });
    }
  });
});
