import { expect, it } from 'vitest';
import { workerEnvironment } from '../../../src/app/workers/worker-environment.ts';

it('a worker gets what Node, OpenSSL and the C library read, and nothing else', () => {
  const passed = {
    PATH: '/bin',
    TZ: 'UTC',
    LC_ALL: 'C',
    NODE_OPTIONS: '--max-old-space-size=512',
    NODE_EXTRA_CA_CERTS: '/etc/roots.pem',
    SSL_CERT_FILE: '/etc/ssl/cert.pem',
    LD_PRELOAD: '/lib/jemalloc.so',
  };
  const kept = {
    CLOUDFLARE_TOKEN: 'x',
    REDIS_PASSWORD: 'x',
    AWS_SECRET_ACCESS_KEY: 'x',
    EAB_HMAC: 'x',
    HTTPS_PROXY: 'http://user:password@proxy',
    CREDENTIALS_DIRECTORY: '/run/credentials',
    NOTIFY_SOCKET: '/run/systemd/notify',
    MY_PATH: 'x',
  };
  expect(workerEnvironment({ ...passed, ...kept })).toEqual(passed);
});
